package report

// jaSmall says in Japanese how a table is kept small, and gives advice.
var jaSmall = map[string]string{
	"claim.small-why":             "削除した後も、{table} には毎日行が書き込まれます。hirune のジョブが毎日、アクセスの少ない時間に古い行を少しずつ削除するため、プラグイン自身の処理はほとんど何もせずに終わります。プラグインの処理が失敗しても効果があります。",
	"claim.small-steady":          "今と同じ速さで増え、{keep} 分の行を残す場合、{table} は約 {rows}行[（{bytes}）] になります。",
	"claim.small-still-large":     "これは今の {table} と大きく変わりません。残す期間を短くする（--keep 30d）か、書き込みの原因を止めてください。",
	"claim.small-job":             "毎日 {when}（サーバーの時計）に、{table} の {keep} より古い行を削除します。",
	"claim.small-for-good":        "プラグイン自身が削除するのと同じ行です。このジョブは控えを残しません。",
	"claim.small-for-good-sooner": "プラグインより早く削除します[（プラグインは {own} 残します）]。このジョブは控えを残しません。",
	"claim.small-locks-none":      "何もロックしません。",
	"claim.small-move":            "{due} に予定されていた {hook} を {to} に移します。以後も WordPress はこの時刻を保ちます。",
	"claim.small-can-move":        "プラグイン自身のジョブ {hook} も、アクセスの少ない時間に移せます: --accept {name}",
	"claim.small-no-event":        "{hook} は WordPress の定期的な予定にないため、移せません。",
	"claim.small-too-often":       "{hook} は {every} ごとに実行されるため、移す先の時刻がありません。",
	"claim.small-undo-job":        "hirune undo でファイル {file} を削除します。",
	"claim.small-undo-move":       "hirune undo で {hook} を {due} の時刻に戻します。",
	"claim.small-constant":        "プラグイン {plugin} には、wp-config.php の「編集が必要なのはここまでです」より上に書く設定 {constant} があります[（ない場合は {own}）]。次の行では {days}日分を残します。",

	"claim.refused-unattended":    "プラグイン自身の SQL からも、プラグインの情報からも、{table} のどの行を削除してよいか証明できません。無人で動くジョブに推測はさせません。",
	"claim.refused-job-condition": "{table} では、古さだけでなく {column} も見ないと、削除してよい行か分かりません。ジョブが判断できるのは古さだけです。",
	"claim.refused-job-name":      "{table} という名前には、cron が扱えない文字が含まれています。",
	"claim.small-there":           "{table} を小さく保つジョブはすでにあります（{file}）。変えるときは、先に取り消してください。",
	"claim.refused-no-cron":       "このサーバーには cron が入っていないため、ジョブを実行するものがありません。",
	"claim.instead-cron":          "cron を入れてから（Debian、Ubuntu: apt install cron、RHEL: dnf install cronie）、hirune plan をもう一度実行してください。",
	"claim.refused-no-program":    "ジョブに必要な、プログラム hirune の場所が分かりません。",
	"claim.refused-keep-longer":   "プラグイン自身が {table} の行を {own} で削除します。{keep} 残すジョブには、削除する行がありません。",
	"claim.instead-install":       "すべてのユーザーが使える場所に置いてください: sudo install -m 0755 hirune /usr/local/bin/hirune",
	"claim.instead-constant":      "下のように、wp-config.php で {constant} を設定してください。",

	"claim.advice-children":         "PHP のプール {pool} のワーカーがすべて動くと、メモリに収まりません。最大 {max}個、1個あたり最大 {worker}、データベースは {server}、全体で {memory} です。{fit}個までなら、スワップも、データベースの強制終了も起きません。",
	"claim.advice-connections":      "PHP はデータベースへの接続を 1つずつ持つワーカーを {workers}個まで起動しますが、データベースが受け付ける接続は {max} です。あふれた訪問者には、ページの代わりにエラーが返ります。",
	"claim.advice-pool-locks":       "{table} 全体（{rows}行）の削除には、ロックのために最大 {locks} が必要です。これは {size} のバッファプールから取られるため、毎回エラー 1206 で失敗します。再起動は、削除処理が動いていない、アクセスの少ない時間に行ってください。",
	"claim.advice-pool-locks-tight": "{table} 全体（{rows}行）の削除には、ロックのために最大 {locks} が必要です。これは {size} のバッファプールから取られるため、毎回エラー 1206 で失敗します。バッファプールを増やすメモリはないため、テーブルを小さくする必要があります。",
	"claim.advice-pool-memory":      "{table} は {bytes}、データベースのバッファプールは {size} です。{memory} のメモリには、まだ余裕があります。再起動は、アクセスの少ない時間に行ってください。",
	"claim.advice-autoload":         "必要かどうかにかかわらず、リクエストのたびに {bytes} の設定（options）が読み込まれます。次の SQL で大きい順に確認できます。使わなくなったプラグインの残りかもしれません。分からないものは削除しないでください。",
	"claim.advice-real-cron":        "{hook} は訪問者のリクエストをきっかけに始まり、その間 PHP ワーカーを 1つ使います。代わりに、サーバーの cron から 5分ごとに始められます。",
	"claim.advice-no-wp-cron":       "上の設定が動いてから行ってください。訪問者のリクエストではジョブが始まらなくなります。",
}
