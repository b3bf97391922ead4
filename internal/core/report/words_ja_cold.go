package report

// jaCold are the Japanese words about what the server kept by itself.
var jaCold = map[string]string{
	"claim.link-purge-due":        "不調が始まったとき、ちょうど整理処理 {hook} の予定時刻（{due}）でした。この処理の対象の表 {table} には {column} から始まる索引がなく、表全体を読むことになります。誰も見ていなかったため、サーバーに残っていた記録からの推定です。",
	"claim.proof-due-then":        "WordPress の予定は秒単位で同じ時刻を保ちます。{hook} の予定は {due}、不調の始まりは {began} です。",
	"claim.proof-would-scan":      "{table} を {column} で整理する文を今 EXPLAIN すると、アクセス方法は {access} です[（約 {rows} 行）]。障害が起きていなくても確かめられる証拠です。",
	"claim.proof-oldest-row":      "{table} の最も古い行は {oldest} のもので、整理の予定時刻（{due}）のちょうど {days} 日前です。その時刻に、そこまでの行が削除されたことを示します。",
	"claim.proof-logged":          "スロークエリログにこの文があります[（{at} 終了）][（所要 {running}）][（{rows} 行を読み取り）]: {digest}",
	"claim.link-told":             "{service} がログに書いています[（{at}）]: {message}",
	"claim.missing-recorder":      "誰も見ていませんでした。その間にデータベースと PHP が何をし、誰が誰を待ったかは、記録がなければ分かりません。[次に起きる {at} まで]記録してください。",
	"claim.note-due-then":         "{job} の予定は {due}、不調の始まりは {began} です。偶然かもしれませんが、その内容を確認してください。",
	"claim.note-failed-then":      "{service} が {at} にログに書いています: {message}。不調の始まりは {began} です。まずこれを確認してください。",
	"claim.missing-other-failure": "別の説明もありえます。{service} が {at} にログに書いています: {message}。整理処理の結果とも、メモリ不足のように全体の原因とも考えられます。",
	"claim.missing-more-asked":    "別の説明もありえます。不調の直前に毎秒最大 {rate}件のリクエストが処理されていました（その時間帯の通常は {usual}件）。誰から来たかをアクセスログで確認してください。",
	"claim.again-fold":            "ログによると、毎日ほぼ {at} に {times} 回起きています。",
	"claim.again-fold-week":       "ログによると、同じ曜日のほぼ {at} に {times} 回起きています。",
	"claim.again-fold-hour":       "ログによると、毎時ほぼ同じ分（{at}）に {times} 回起きています。",

	"short.link-purge-due": "索引のない整理処理が予定時刻に",
	"short.link-told":      "サービスがログに記録",

	"class.all": "すべてのリクエスト",

	"ui.how-told": "測定はされていません。サーバー自身のログによるものです。",
}
