-- purge
-- 1. Ask how the database would do the clean-up (it only reads): wordpress.wp_aiowps_audit_log
EXPLAIN DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `created` < 1787385605;
-- 2. Delete the old rows in small pieces: wordpress.wp_aiowps_audit_log
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;
-- hirune sizes the ranges by the time that they take, and waits for visitors; this script has fixed ones
-- hirune keeps the deleted rows in /var/lib/hirune/archive/wp_aiowps_audit_log.zst; this script does not
DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 1 AND `id` < 1001 AND `created` < 1787385605;
DO SLEEP(0.05);
DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 1001 AND `id` < 2001 AND `created` < 1787385605;
DO SLEEP(0.05);
DELETE FROM `wordpress`.`wp_aiowps_audit_log` WHERE `id` >= 2001 AND `id` < 3001 AND `created` < 1787385605;
DO SLEEP(0.05);
-- 3. Give the room of the deleted rows back to the disk: wordpress.wp_aiowps_audit_log
SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;
ALTER TABLE `wordpress`.`wp_aiowps_audit_log` FORCE, ALGORITHM=INPLACE, LOCK=NONE;
-- 4. Drop the table that was left over: wordpress.wp_old
-- THIS STEP CANNOT BE UNDONE: take the comment marks off to do it all the same.
-- SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED;
-- SET SESSION lock_wait_timeout=1, innodb_lock_wait_timeout=1;
-- DROP TABLE `wordpress`.`wp_old`;
-- close-xmlrpc
-- 1. Write one file of our own for the web server, test it, reload: /etc/apache2/conf-enabled/hirune.conf
-- --- /dev/null
-- +++ /etc/apache2/conf-enabled/hirune.conf
-- +# written by hirune
-- +<Files "xmlrpc.php">
-- +  Require all denied
-- +</Files>
-- apachectl -t
-- apachectl graceful
-- close-xmlrpc
-- Refused: The database (MariaDB) does not accept connections.
-- Refused: Install it for all users: sudo install -m 0755 hirune /usr/local/bin/hirune
