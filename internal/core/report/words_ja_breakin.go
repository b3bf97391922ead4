package report

// jaBreakIn are the Japanese words of the evidence that somebody got in.
var jaBreakIn = map[string]string{
	"claim.in-session":         "{user} が {since} から {address} でログインしたままです。このアドレスからは、パスワードを試す送信が {attempts}回ありました。",
	"claim.in-session-exploit": "{user} が {since} から {address} でログインしたままです。このアドレスからは、サイトの弱点を突く試みが {attempts}回ありました。自分のサイトを検査している場合も同じように見えます。",
	"claim.in-session-crowd":   "{user} が {since} から {address} でログインしたままです。このアドレスは、一斉にパスワードを試している {addresses}個のアドレスの一つです。",
	"claim.in-session-near":    "{user} が {since} から {address} でログインしたままです。サイトの利用者がこの付近から来たことはありません。同じネットワーク（{network}）から、同じ時期にパスワードを試す送信が {attempts}回ありました。",
	"claim.in-key":             "{user} のアプリケーションパスワード「{key}」が {at} に {address} から使われました。このアドレスからは、パスワードを試す送信が {attempts}回ありました。",
	"claim.in-key-after":       "{user} のアプリケーションパスワード「{key}」が {created} に作られました。何者かが入った（{at}）直後です。パスワードを変えても、これは使えるままです。",
	"claim.in-audit":           "{address} から {attempts}回ログインに失敗した後、同じアドレスから {user} がログインしました[（{at}）]。{plugin} の記録によります。",
	"claim.in-login":           "{address} から間違ったパスワードが {attempts}回送られた後、{at} にログイン画面が正しいパスワードのときと同じ応答をしました。",
	"claim.in-login-admin":     "{address} から間違ったパスワードが {attempts}回送られた後、{at} に何者かがログインし、管理画面を開きました。",
	"claim.in-login-installs":  "{address} から間違ったパスワードが {attempts}回送られた後、{at} に何者かがログインして管理画面を開き、プログラムを追加・編集する画面に {posts}回送信しました。",
	"claim.in-xmlrpc":          "{address} から間違ったパスワードが {attempts}回送られた後、{at} に xmlrpc.php が拒否とは異なる応答をしました。",
	"claim.in-admin-after":     "管理者 {user} が {registered} に登録されました。何者かが入った（{at}）直後です。",
	"claim.in-admin-new":       "管理者 {user} は新しいアカウントです（{registered} 登録）。",

	"claim.in-shell-file":     "{file} は、訪問者が送ったもの、または中に隠されたものを実行するプログラムです。プログラムを置かない場所にあります（変更 {changed}）。",
	"claim.in-shell-answered": "{path} は、訪問者が送ったもの、または中に隠されたものを実行するプログラムで、実際に応答しています: {requests}回[（うち送信を伴うもの {posts}回）]、最初は {at}",
	"claim.in-answered":       "{path} が {requests}回応答しました[（うち送信を伴うもの {posts}回）]。最初は {at} です。ここでプログラムが応答するのは不自然か、これまで誰も呼び出していないものです。",
	"claim.in-answered-gone":  "{path} が {requests}回応答しました[（うち送信を伴うもの {posts}回）]。最初は {at} です。ファイルはもうありません。",
	"claim.in-leaked":         "{path} が外部に渡りました: {size}、{requests}回、最初は {at}",
	"claim.in-php-uploads":    "{file} は、データだけを置く場所にあるプログラムです（変更 {changed}）。",
	"claim.in-core-changed":   "{file} は WordPress 本体のファイルですが、{changed} に単独で変更されています。更新であれば多くのファイルが同時に変わります。",
	"claim.in-file-after":     "{file} が {changed} に単独で変更されました。何者かが入った（{at}）直後です。",
	"claim.in-file-commands":  "{file} が {changed} に単独で変更されました。訪問者が送ったもの、または中に隠されたものを実行するプログラムです。",
	"claim.in-more":           "ほかに {count}件あります。",

	"claim.do-end-sessions":  "{user} をすべての端末からログアウトさせ、パスワードを変えてください（ユーザー → {user}）。wp-config.php の認証用キーとソルトを新しくすると全員がログアウトします。その後、管理者、アプリケーションパスワード、プラグインに見覚えのないものがないか確認してください。",
	"claim.do-ask-user":      "{user} に、本人の操作かどうか確認してください。違う場合は、{user} をすべての端末からログアウトさせてパスワードを変え、管理者とアプリケーションパスワードを確認してください。",
	"claim.do-revoke-key":    "{user} に覚えがなければ、アプリケーションパスワード「{key}」を取り消してください（ユーザー → {user}）。",
	"claim.do-check-keys":    "管理者それぞれのアプリケーションパスワード（ユーザー画面）を確認し、覚えのないものを取り消して、パスワードを変えてください。xmlrpc.php が不要なら閉じてください: hirune plan",
	"claim.do-check-all":     "管理者のパスワードを変え、wp-config.php の認証用キーとソルトを新しくし（全員がログアウトします）、管理者、アプリケーションパスワード、プラグインに見覚えのないものがないか確認してください。",
	"claim.do-check-admin":   "{user} に見覚えがなければ、このアカウントが書いた内容を控えてから削除し（ユーザー画面）、ほかの管理者のパスワードを変えてください。",
	"claim.do-remove-file":   "お使いのプラグインが置いたものでなければ、{file} の写しをサイトの外に保存してから削除し、どのように置かれたかを調べてください。",
	"claim.do-check-file":    "どなたも {file} を変更していなければ、写しをサイトの外に保存してから、WordPress 本体、または該当するプラグインやテーマを同じ版で入れ直してください。",
	"claim.do-change-leaked": "{path} を削除し、そこに書かれているパスワードと鍵をすべて変えてください。",

	"unseen.pingbacks": "ほかのブログからのピンバック",
}
