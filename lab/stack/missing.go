package stack

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
)

// ErrMissing says that this machine cannot run a stack: not root, or packages are not installed.
var ErrMissing = errors.New("this machine cannot run the lab")

// Missing tells whether this machine can run a stack; its error wraps ErrMissing and says what to do.
func Missing() error {
	if os.Geteuid() != 0 {
		return fmt.Errorf("%w: it needs root, to run each daemon as its own user", ErrMissing)
	}
	var gone []string
	for _, pattern := range []string{
		"/usr/sbin/mariadbd", "/usr/bin/mariadb-install-db", "/usr/bin/mariadb", "/usr/sbin/apache2", "/usr/sbin/nginx", "/usr/sbin/php-fpm*",
		"/usr/bin/php", "/usr/sbin/cron", "/usr/share/wordpress/wp-load.php", "/usr/share/wordpress/wp-content/themes/twentytwentyone/style.css",
		"/usr/lib/php/*/mysqli.so",
	} {
		if found, _ := filepath.Glob(pattern); len(found) == 0 {
			gone = append(gone, pattern)
		}
	}
	if len(gone) > 0 {
		return fmt.Errorf("%w: no %s; run lab/setup.sh", ErrMissing, strings.Join(gone, ", "))
	}
	return nil
}
