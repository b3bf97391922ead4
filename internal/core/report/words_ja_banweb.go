package report

// jaBanWeb are the Japanese words about refusing clients, and about limiting how
// often they may ask, in the web server.
var jaBanWeb = map[string]string{
	"proxied.forwarded": "ログにアドレスの代わりに、相手が自称した値（X-Forwarded-For など）が書かれています",
	"proxied.log":       "ログにはプロキシ以外のアドレスがほとんどありません", "proxied.translated": "接続中のアドレスがログのアドレスと一致しません",

	"claim.banweb-where": "プロキシが伝えるアドレスに基づき、Web サーバー（{servers}）が 403 で拒否します。訪問者がプロキシ経由で来ているため、パケットフィルターは変更しません: {proxied}[（{message}）]。",
	"claim.banweb-undo":  "hirune undo ですべて一度に解除できます。1件だけなら hirune unblock アドレス。Web サーバーのファイルは元どおりになります。",
	"claim.banweb-ends":  "Web サーバーは期限が来ても自分では解除しません。hirune の記録プロセスが、期限切れのものを約1分以内に取り除きます。記録プロセスが動いていない場合は hirune blocks --check で解除されます。",

	"claim.banweb-unknowing": "今の設定では、Web サーバー（{servers}）でも拒否できません。プロキシを接続元と見なしており、訪問者自身のアドレスを知らないためです。下の行でプロキシを教え、テストと再読み込みをしてから、もう一度ブロックしてください。",
	"claim.banweb-anyone":    "今の設定では、Web サーバー（{servers}）でも拒否できません。{header} を送る相手を誰でも信用するため、攻撃者が他人になりすませます。代わりに下の行でプロキシを指定し、テストと再読み込みをしてから、もう一度ブロックしてください。",
	"claim.banweb-mixed":     "今の設定では、Web サーバー（{servers}）でも拒否できません。同じログを使うサイトの間で接続元アドレスの求め方が異なり、プロキシのアドレスが混ざる可能性があります。下の行をサーバー全体の設定に置き、テストと再読み込みをしてから、もう一度ブロックしてください。",
	"claim.banweb-unread":    "今の設定では、Web サーバー（{servers}）でも拒否できません。信用しているプロキシのアドレスを hirune が読み取れません（{addresses}）。下の行のようにアドレスで指定し、テストと再読み込みをしてから、もう一度ブロックしてください。",
	"claim.banweb-no-place":  "Web サーバー（{servers}）は訪問者自身のアドレスを知っていますが、拒否リストを置く場所がありません: {why}",
	"claim.banweb-none":      "拒否できる Apache や nginx が、このサーバーに見つかりません。",

	"claim.banweb-teach-apache": "Apache: mod_remoteip を有効にし（Debian では a2enmod remoteip）、次の行をサーバー全体の設定に置いてください。その後テスト（apachectl configtest）と再読み込みをします。ヘッダーとプロキシを確認し、自分で運用しているもの、または利用中の CDN だけを書いてください。",
	"claim.banweb-teach-nginx":  "nginx: 次の行を http ブロックに置き、テスト（nginx -t）と再読み込みをします。ヘッダーとプロキシを確認し、自分で運用しているもの、または利用中の CDN だけを書いてください。",
	"claim.banweb-fix":          "次の行で置き場所ができます。nginx では、上に示したブロックの先頭に置いてください。",

	"claim.limit-does":         "{path} へのアクセスが、1つのアドレスから1分に {each}、全体で1分に {all} を超えると、Web サーバーが 429（リクエストが多すぎます）を返します。拒否された試行は PHP を起動せず、データベースにも問い合わせません。",
	"claim.limit-who-waits":    "攻撃で上限に達している間は、正当な利用者も {path} をやり直すことになる場合があります。ほかのページはそのままです。",
	"claim.limit-not-bans":     "誰も遮断しません。多数のアドレスが少しずつ試す攻撃に有効です。",
	"claim.limit-step-writes":  "新しいファイル {file} を1つ書きます。Web サーバーが設定と一緒に読み込みます。",
	"claim.limit-step-tests":   "Web サーバーは変更の前後に設定をテストし、その後、処理中のリクエストを保ったまま再読み込みします。テストに失敗した場合はすべて元に戻し、再読み込みしません。",
	"claim.limit-step-proves":  "その後、このサーバーから {path} へ 429 が返るまでアクセスし、ほかのページが以前と同じように応答することを確かめます。そうならない場合は、すべて元に戻します。",
	"claim.limit-undo":         "hirune undo は {file} と追加した行をすべて取り除き、テスト、再読み込みをして、サイトの応答を確かめます。",
	"claim.limit-locks":        "なし（処理中のリクエストは完了し、新しいリクエストも待ちません）",
	"claim.limit-unread":       "Web サーバーの設定を読み取れませんでした: {why}",
	"claim.limit-no-server":    "サイトを提供している Apache や nginx が見つかりません。",
	"claim.limit-no-place":     "hirune の制限を Web サーバーに読み込ませる場所がありません: {why}",
	"claim.limit-there":        "{path} はすでに hirune のファイルで制限されています。することはありません。",
	"claim.limit-apache":       "標準の Apache は、アクセスの頻度を制限できません。mod_ratelimit は応答を遅くするだけで、ワーカーをかえって長く占有します。",
	"claim.limit-proxied":      "リクエストの {share} がこのサーバー自身かプライベートネットワークから届いています。手前にプロキシがあり、Web サーバーには接続元の本当のアドレスが見えません。全員が1人分の上限を分け合うことになります。",
	"claim.limit-why-not-bans": "各アドレスが数回しか試さない場合、遮断する前に攻撃が終わっています。そのアドレスの持ち主は、明日は普通の訪問者かもしれません。",

	"claim.instead-limit-lines":  "手で追加する行は下のとおりです。",
	"claim.instead-limit-xmlrpc": "代わりに、必要のない相手に対して xmlrpc.php を閉じてください: hirune plan close-xmlrpc",
	"claim.instead-limit-login":  "制限できる場所、つまり CDN やプロキシ、または Apache の手前に置いた nginx で制限するか、wp-login.php の前に2つ目のパスワード（AuthType Basic）を求めてください。個々の攻撃者は遮断できます: hirune block。",
	"claim.instead-limit-teach":  "先に、プロキシを Web サーバーに教えてください（Apache: mod_remoteip、nginx: real_ip）。必要な行は hirune block --plan ADDRESS が示します。",
	"claim.limit-by-hand":        "nginx: 次の行を http ブロックに置き、テスト（nginx -t）と再読み込みをします。",
}
