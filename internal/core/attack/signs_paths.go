package attack

import (
	"bytes"
	"strings"
)

// hidden are the beginnings of names, in lower case, that hold secrets.
var hidden = []string{".env", ".git", ".svn", ".hg", ".aws", ".ssh", ".htpasswd", ".ds_store", ".npmrc", ".dockercfg", ".docker", ".vscode", ".idea", ".bash_history", ".my.cnf", ".ftpconfig"}

// secrets are whole names.
var secrets = map[string]bool{
	"debug.log": true, "error_log": true, "error.log": true, "id_rsa": true, "id_ed25519": true, "id_dsa": true, "web.config": true, "php.ini": true, ".user.ini": true,
	"composer.lock": true, "sftp.json": true, "sftp-config.json": true, "credentials.json": true, "wp-config.txt": true, "config.php.bak": true,
}

// copies are endings of what an editor or an administrator left behind.
var copies = []string{".sql", ".sql.gz", ".sql.zip", ".sql.bz2", ".bak", ".old", ".swp", ".save", ".orig", ".php~", ".php_", ".php.txt", ".dump"}

// archives are endings of files that a site may rightly offer: only their
// names tell.
var archives = []string{".zip", ".tar", ".tar.gz", ".tgz", ".rar", ".7z", ".gz"}

var archiveNames = []string{"backup", "dump", "database", "public_html", "htdocs", "wordpress", "wp-content", "site", "wwwroot", "www", "fullsite"}

// shells are names of webshells and of tools that break-ins leave, without
// ".php". Sources: the lists of CrowdSec's backdoors scenario and of public
// honeypot reports.
const shellNames = "alfa alfanew alfa-rex alfashell wso wso2 wso112233 wsoshell c99 c100 r57 b374k shell shell20211028 cmd xleet xleet-shell indoxploit marijuana leaf leafmailer leaf_php " +
	"lock360 wp-22 wp-conflg wp-signin wp-atom2 sym403 bypass gel4y gecko gaza moon mah mini minishell ws ws80 ws82 fox foxwso fw ioxi-o ioxi 0x 0byte 0x1949 up upl upload_shell uploader radio " +
	"adminer adminer-4.8.1 phpinfo info1 priv8 symlink hehe haxor cong wp_wrong_datlib wp-l0gin wp-mna miin mailer mass ninja simple-backdoor webshell xmrlpc xmlrpcs xmrpc style2 doc123 goods1 " +
	"makeasmtp filefuns system_log about1 classwithtostring chosen class-bda autoload_classmap2 wp-blog-post defaul1 repeater k2 dropdown2 ae as4 xx xxx"

var shells = func() map[string]bool {
	set := map[string]bool{}
	for n := range strings.FieldsSeq(shellNames) {
		set[n] = true
	}
	return set
}()

// notForPHP are directories that WordPress keeps free of PHP to be called.
var notForPHP = []string{"/wp-content/uploads/", "/wp-content/cache/", "/wp-content/languages/", "/wp-content/upgrade/", "/wp-content/blogs.dir/"}

// fileSigns are told by the name of a file; the path is in lower case.
func fileSigns(path []byte) signs {
	if script := scriptIn(path); script != nil {
		return phpSigns(path, script)
	}
	base := path[bytes.LastIndexByte(path, '/')+1:]
	if hiddenIn(path) || secrets[string(base)] || ends(base, copies) || ends(base, archives) && within(base, archiveNames) {
		return signFile
	}
	return 0
}

// hiddenIn finds a hidden file or directory with secrets anywhere in the path.
func hiddenIn(path []byte) bool {
	for i := 0; i+1 < len(path); i++ {
		if path[i] == '/' && path[i+1] == '.' && starts(path[i+1:], hidden) {
			return true
		}
	}
	return false
}

// scriptIn returns the name of the PHP file in the path, which may have more
// behind it; nil where there is none.
func scriptIn(path []byte) []byte {
	for from := 0; ; {
		i := bytes.Index(path[from:], []byte(".ph"))
		if i < 0 {
			return nil
		}
		i += from
		end := i + len(".ph")
		for end < len(path) && path[end] != '/' {
			end++
		}
		if phpEnd(path[i+len(".ph") : end]) {
			return path[bytes.LastIndexByte(path[:i], '/')+1 : end]
		}
		from = i + 1
	}
}

// phpSigns are told by the name of a script.
func phpSigns(path, base []byte) signs {
	name, _, _ := bytes.Cut(base, []byte(".ph"))
	s := signPHP
	if bytes.HasPrefix(base, []byte("wp-config")) && !bytes.Equal(base, []byte("wp-config-sample.php")) {
		return signPHP | signFile
	}
	if shells[string(name)] {
		s |= signShell
	}
	for _, d := range notForPHP {
		if bytes.Contains(path, []byte(d)) {
			s |= signUploads
		}
	}
	if bytes.Equal(base, []byte("index.php")) {
		s |= signIndex
	}
	return s
}

// phpEnd reports whether what follows ".ph" makes an extension that servers
// hand to PHP: .php, .php5, .phtml, .phar, .pht.
func phpEnd(end []byte) bool {
	switch string(end) {
	case "p", "p3", "p4", "p5", "p7", "p8", "tml", "ar", "t", "ps":
		return true
	}
	return false
}

// versions are files by which a plugin's version is learned, in lower case.
var versions = []string{"/readme.txt", "/readme.md", "/changelog.txt", "/changelog.md", "/readme.html"}

// pathSigns are told by where a path leads; it is in lower case.
func pathSigns(path []byte) signs {
	var s signs
	if i := bytes.Index(path, []byte("/wp-")); i >= 0 {
		s |= corePathSigns(path[i:])
	}
	if bytes.Equal(path, []byte("/robots.txt")) {
		s |= signRobots
	}
	if bytes.Contains(path, []byte("/wp/v2/users")) {
		s |= signUsers
	}
	if bytes.Contains(path, []byte("/wp/v2/plugins")) {
		s |= signInstall
	}
	if randomName(path) {
		s |= signRandom
	}
	return s
}

func corePathSigns(path []byte) signs {
	switch {
	case bytes.HasPrefix(path, []byte("/wp-content/plugins/")), bytes.HasPrefix(path, []byte("/wp-content/themes/")):
		if ends(path, versions) {
			return signPlugin | signReadme
		}
		return signPlugin
	case bytes.HasPrefix(path, []byte("/wp-sitemap-users")):
		return signUserMap
	case bytes.HasPrefix(path, []byte("/wp-admin/")):
		return adminSigns(path[len("/wp-admin/"):])
	}
	return 0
}

// forAll are scripts of wp-admin that anybody gets an answer from.
var forAll = map[string]bool{
	"install.php": true, "upgrade.php": true, "setup-config.php": true, "install-helper.php": true, "admin-post.php": true, "admin-ajax.php": true,
	"load-scripts.php": true, "load-styles.php": true, "async-upload.php": true,
}

// changes are scripts of wp-admin by which code or users get in.
var changes = map[string]bool{
	"plugin-install.php": true, "theme-install.php": true, "update.php": true, "theme-editor.php": true, "plugin-editor.php": true, "user-new.php": true,
}

// adminSigns are told by what follows /wp-admin/.
func adminSigns(rest []byte) signs {
	for _, sub := range []string{"network/", "user/"} {
		rest = bytes.TrimPrefix(rest, []byte(sub))
	}
	var s signs
	if changes[string(rest)] {
		s |= signInstall
	}
	if bytes.IndexByte(rest, '/') < 0 && (len(rest) == 0 || bytes.HasSuffix(rest, []byte(".php"))) && !forAll[string(rest)] {
		s |= signAdmin
	}
	return s
}

// noGuess are actions of wp-login.php that guess no password.
var noGuess = map[string]bool{
	"lostpassword": true, "retrievepassword": true, "resetpass": true, "rp": true, "register": true, "postpass": true, "logout": true, "confirm_admin_email": true, "confirmaction": true,
}

// plainQuery are parameters of WordPress that only choose a page.
var plainQuery = map[string]bool{
	"p": true, "page_id": true, "cat": true, "tag": true, "author": true, "paged": true, "page": true, "m": true, "name": true, "pagename": true, "attachment_id": true,
	"post_type": true, "category_name": true, "s": true, "feed": true, "preview": true, "preview_id": true, "preview_nonce": true, "ver": true, "v": true, "rest_route": true, "doing_wp_cron": true,
}

// tracking are parameters that advertisements and mails add to any address.
var tracking = map[string]bool{
	"fbclid": true, "gclid": true, "gbraid": true, "wbraid": true, "gad_source": true, "msclkid": true, "yclid": true, "dclid": true, "twclid": true, "ttclid": true, "igshid": true, "igsh": true,
	"mc_cid": true, "mc_eid": true, "_ga": true, "_gl": true, "ref": true, "srsltid": true, "amp": true, "_hsenc": true, "_hsmi": true,
}

// Tracks reports whether a parameter says only where a visitor came from: any address may have it.
func Tracks(key []byte) bool { return tracks(key) }

func tracks(key []byte) bool { return tracking[string(key)] || bytes.HasPrefix(key, []byte("utm_")) }

// keySigns are told by the name of a parameter and its value, still encoded.
// The path is in lower case.
func keySigns(key, value, path []byte) signs {
	switch string(key) {
	case "author":
		if len(value) > 0 && value[0] >= '0' && value[0] <= '9' {
			return signAuthor
		}
	case "rest_route":
		if bytes.Contains(value, []byte("wp/v2/users")) || bytes.Contains(value, []byte("wp%2Fv2%2Fusers")) || bytes.Contains(value, []byte("wp%2fv2%2fusers")) {
			return signUsers
		}
	case "action":
		if noGuess[string(value)] && bytes.Contains(path, []byte(".php")) {
			return signNoGuess
		}
		if bytes.Contains(value, []byte("upload")) && bytes.HasSuffix(path, []byte("admin-ajax.php")) {
			return signInstall
		}
	}
	if len(key) > 0 && !plainQuery[string(key)] && !tracks(key) {
		return signUnknownQuery
	}
	return 0
}

// randomName reports whether a path is one short name without a meaning:
// letters and digits mixed, or consonants only.
func randomName(path []byte) bool {
	if len(path) < 5 || len(path) > 17 || path[0] != '/' {
		return false
	}
	name := bytes.TrimSuffix(path[1:], []byte("/"))
	digits, vowels := 0, 0
	for _, c := range name {
		switch {
		case c >= '0' && c <= '9':
			digits++
		case c == 'a' || c == 'e' || c == 'i' || c == 'o' || c == 'u' || c == 'y':
			vowels++
		case c < 'a' || c > 'z':
			return false
		}
	}
	return digits > 0 && digits < len(name) || vowels == 0
}

func ends(b []byte, with []string) bool {
	for _, w := range with {
		if len(b) >= len(w) && string(b[len(b)-len(w):]) == w {
			return true
		}
	}
	return false
}

func starts(b []byte, with []string) bool {
	for _, w := range with {
		if len(b) >= len(w) && string(b[:len(w)]) == w {
			return true
		}
	}
	return false
}

func within(b []byte, any []string) bool {
	for _, w := range any {
		if bytes.Contains(b, []byte(w)) {
			return true
		}
	}
	return false
}
