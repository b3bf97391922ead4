package report

// jaChanges are the Japanese words about what was changed.
var jaChanges = map[string]string{
	"cause.changed-just-before.title": "サイトを壊した変更",
	"cause.changed-just-before.means": "自動更新などで、直前にサイトまたはサーバーの一部が変わりました。時刻が近いだけではありません。それ以来、失敗している処理や時間のかかっている処理は、変更されたものの一部です。",

	"claim.changed-just-before": "{at} に{what} {name} が{verb}されました[（変更前 {from}）][（変更後 {to}）]。それ以来、失敗している処理や時間のかかっている処理は、その一部です。",
	"short.changed-just-before": "変更がサイトを壊す",

	"claim.proof-fails-in":        "PHP が {file} で {count}回、異常終了しました: {message}",
	"claim.proof-first-sign":      "最初の兆候は[、{at} の]変更から {after}後です。それより前にはありません。",
	"claim.proof-new-statement":   "次の SQL は[ {at} の]変更の前には見られず、その後は {connections}個の接続が実行しました: {digest}",
	"claim.proof-its-work":        "{name} のテーブルに対する SQL と、それを待つ SQL が、データベースの仕事の {share} を占めます[（平常時は {quiet}）]。",
	"claim.proof-waited-for":      "ほかの処理が {table} のロックを合計 {waited}待ちました。",
	"claim.missing-before-change": "{at} より前にも失敗していたかどうかは、そこまでさかのぼる記録がないため分かりません。",
	"claim.cleared-change":        "{at} に{verb}された{what} {name} ではない: そのファイルのエラー {errors}件、データベースの仕事の {share}",
	"cause.php-fatal.title":       "PHP のエラーで終わるページ",
	"cause.php-fatal.means":       "ほとんどのページの途中で、PHP がいつも同じコードで異常終了し、訪問者にはページの代わりにエラーが返ります。訪問者の数、データベース、サーバーの速さの問題ではなく、そのコード、またはそれが扱うデータの問題です。",
	"claim.php-fatal":             "{file} で PHP が異常終了し、訪問者にはエラーページが返ります[。そこで、1リクエストに許された {mb} MB を超えるメモリーを求めました]。",
	"short.php-fatal":             "PHP が異常終了する",

	"claim.proof-fatal-covers":    "応答 {failed}件が失敗する間に、PHP はこの行を {count}行書きました。",
	"claim.missing-php-log":       "PHP のエラーログを読めませんでした。PHP が異常終了するファイルが分かります（php.ini: log_errors = On、error_log = ファイル名）。",
	"claim.missing-fatal-need":    "{file} は、必要なものが応答しない、または存在しないと伝えています。まずそれを調べてください。",
	"claim.missing-fatal-caller":  "{file} はプラグインにもテーマにも属しません。呼び出したコードは、PHP のエラーログの「Stack trace」の下にあります。",
	"claim.missing-memory-holder": "最後にメモリーを求めたのは {file} ですが、最も多く使っていたのもこのファイルかどうかは記録にありません。",
	"claim.why-changed":           "その {after}前の {at} に、{what} {name} が{verb}されました[（変更前 {from}）][（変更後 {to}）]。",
	"claim.note-changed-before":   "{at} に{what} {name} が{verb}されました[（変更前 {from}）][（変更後 {to}）]。それが関係しているという記録はありません。",

	"what.plugin": "プラグイン", "what.theme": "テーマ", "what.core": "プログラム", "what.package": "パッケージ", "what.config": "設定ファイル",
	"verb.updated": "更新", "verb.installed": "導入", "verb.activated": "有効化", "verb.deactivated": "無効化", "verb.removed": "削除", "verb.edited": "変更",

	"remedy.switch-off-code.title": "失敗しているコードを止める",
	"remedy.switch-off-code.does":  "そのプラグインやテーマの機能を除いて、ページが表示されるようになります。",
	"remedy.switch-off-code.how":   "プラグイン: wp-content/plugins の中のフォルダー名を変えます（mv 名前 名前.off）。wp-content/mu-plugins のファイル: 外へ移します。テーマ: wp theme activate 別のテーマ --skip-themes。WordPress 本体のファイル: wp core download --force --version=お使いの版。エラーの全文は PHP のエラーログ（php.ini の error_log。なければウェブサーバーの error.log）にあります。開発元に送ってください。",

	"remedy.raise-php-memory.title": "PHP が1リクエストに使えるメモリーを増やす",
	"remedy.raise-php-memory.does":  "ページがすぐに表示されるようになることがあります。多く使うコードは引き続き探す必要があります。",
	"remedy.raise-php-memory.how":   "wp-config.php の「編集はここまで」より上に define('WP_MEMORY_LIMIT', '256M'); を書くか、php.ini で memory_limit = 256M として systemctl reload php*-fpm を実行します。PHP のワーカー（pm.max_children）がそれぞれこの量を使うことがあるので、サーバーのメモリーに余裕が必要です。また足りなくなるときは何かが増え続けています。プラグインを止めてください。",

	"remedy.take-back-change.title": "変更を元に戻す",
	"remedy.take-back-change.does":  "サイトが以前の状態で動くようになり、落ち着いて原因を調べられます。",
	"remedy.take-back-change.how":   "プラグインの場合は、wp-content/plugins の中のフォルダー名を変えると無効になります（mv 名前 名前.off）。WP-CLI なら前の版に戻せます: wp plugin install 名前 --version=前の版 --force。テーマは wp theme activate 別のテーマ。ファイルはバックアップの控えに戻します。パッケージは apt-get install 名前=前の版。その後、上の行を添えて開発元に知らせてください。",
}
