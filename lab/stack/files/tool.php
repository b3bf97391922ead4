<?php
// The lab's hand inside WordPress, called by PHP's command line: php tool.php <verb> <docroot> [arguments].
// It keeps to WordPress' own functions, so that what it leaves behind is what WordPress would have left.

$verb = $argv[1] ?? '';
$root = $argv[2] ?? '';
$args = array_slice($argv, 3);
if (!is_file("$root/wp-load.php")) {
	fwrite(STDERR, "no WordPress in '$root'\n");
	exit(2);
}
$_SERVER['HTTP_HOST'] = '127.0.0.1';
$_SERVER['REQUEST_URI'] = '/';
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
define('DISABLE_WP_CRON', true); // a command line must not start the job it is about to plan

if ($verb === 'install') {
	define('WP_INSTALLING', true);
	function wp_new_blog_notification() {} // no mail server here
	require "$root/wp-load.php";
	require_once ABSPATH . 'wp-admin/includes/upgrade.php';
	wp_install('Kissa Komorebi', 'owner', 'owner@example.test', true, '', $args[0]);
	switch_theme('twentytwentyone');
	update_option('permalink_structure', '/%postname%/');
	exit(0);
}

require "$root/wp-load.php";

switch ($verb) {
	case 'activate': // <plugin file below plugins/> or, for a must-use plugin, <function to call>
		if (str_ends_with($args[0], '.php')) {
			require_once ABSPATH . 'wp-admin/includes/plugin.php';
			$bad = activate_plugin($args[0]);
			if (is_wp_error($bad)) {
				fwrite(STDERR, $bad->get_error_message() . "\n");
				exit(1);
			}
		} else {
			call_user_func($args[0]);
		}
		break;
	case 'prepare': // <site address>: move a copied site here, and put every planned job out of the way of the run
		update_option('siteurl', $args[0]);
		update_option('home', $args[0]);
		delete_transient('doing_cron');
		$crons = array('version' => 2);
		$i = 0;
		foreach ((array) _get_cron_array() as $events) {
			foreach ($events as $hook => $event) {
				$crons[time() + 6 * 3600 + 1800 * $i++] = array($hook => $event);
			}
		}
		update_option('cron', $crons);
		flush_rewrite_rules(false);
		break;
	case 'schedule': // <hook> <unix time>
		wp_clear_scheduled_hook($args[0]);
		$done = wp_schedule_event((int) $args[1], 'daily', $args[0], array(), true);
		if (is_wp_error($done)) {
			fwrite(STDERR, $done->get_error_message() . "\n");
			exit(1);
		}
		break;
	case 'next': // <hook>
		echo (int) wp_next_scheduled($args[0]), "\n";
		break;
	case 'user': // <name> <role> <password>
		$old = get_user_by('login', $args[0]);
		$id = wp_insert_user(array('ID' => $old ? $old->ID : 0, 'user_login' => $args[0], 'role' => $args[1], 'user_pass' => $old ? wp_hash_password($args[2]) : $args[2], 'user_email' => $args[0] . '@example.test'));
		if (is_wp_error($id)) {
			fwrite(STDERR, $id->get_error_message() . "\n");
			exit(1);
		}
		break;
	case 'application-password': // <user> <name>: prints it
		$made = WP_Application_Passwords::create_new_application_password(get_user_by('login', $args[0])->ID, array('name' => $args[1]));
		if (is_wp_error($made)) {
			fwrite(STDERR, $made->get_error_message() . "\n");
			exit(1);
		}
		echo $made[0], "\n";
		break;
	default:
		fwrite(STDERR, "no verb '$verb'\n");
		exit(2);
}
