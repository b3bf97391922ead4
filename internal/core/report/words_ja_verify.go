package report

// jaVerify are the sentences on whether a plan has helped.
var jaVerify = map[string]string{
	"claim.verify-job-quick":   "ジョブ {hook}（予定 {due}）が再び実行され、SQL は 1秒未満で終わりました（一度も観測されないほど短時間です）",
	"claim.verify-job-took":    "ジョブ {hook}（予定 {due}）が再び実行され、SQL は {took} で終わりました[（障害時は {before}）]",
	"claim.verify-job-done":    "ジョブ {hook}（予定 {due}）が再び実行されましたが、SQL にかかった時間は観測できませんでした",
	"claim.verify-rule-silent": "その後の記録を同じ方法で調べ直しましたが、障害の原因は見つかりません",
	"claim.verify-visitors":    "その間、ページの表示にかかった時間はふだん {typical}、最長 {worst} でした",
	"claim.verify-calm":        "{watched} の間、障害はありませんでした。アクセスも十分ありました：毎秒 {rate} 件（ふだんは毎秒 {usual} 件）",
	"claim.verify-host-job":    "{job} はサーバー自身のスケジュールで起動します。予定の時刻は過ぎましたが、起動そのものは観測していません",

	"claim.verify-fires":          "対策の後、{at} に同じ原因が再び見つかりました",
	"claim.verify-fires-harmless": "対策の後、{at} に同じ原因が再び見つかりました。今回は訪問者への影響はありませんでした",
	"claim.verify-suffered":       "{at} に再び表示が遅くなりました。そのとき同じ SQL が {running} 実行されていました",

	"claim.verify-not-due":         "ジョブ {hook} はまだ実行されていません。次の予定は {due} です",
	"claim.verify-no-due":          "ジョブ {hook} はまだ実行されていません。WordPress の予定を読み取れず、次の時刻が分かりません",
	"claim.verify-settling":        "ジョブ {hook} は実行されました。データベースの後処理が続くことがあるため、{until} まで見守ります",
	"claim.verify-job-not-run":     "ジョブ {hook} は {due} の予定でしたが、実行された形跡がありません。WordPress は次のアクセスか、wp-cron.php を呼び出す cron で起動します",
	"claim.verify-job-gone":        "ジョブ {hook} は WordPress の予定から消えています。プラグインを停止しましたか",
	"claim.verify-not-watched":     "その後の記録がありません。記録を続けてください（sudo hirune record）",
	"claim.verify-gap":             "ジョブが実行されたとき、{from} から {to} まで記録がありません",
	"claim.verify-visitors-unseen": "訪問者への影響を確認できませんでした。hirune の確認アクセスも、所要時間付きのログもありません",
	"claim.verify-other-trouble":   "{at} に表示が遅くなりましたが、原因は別です。hirune diagnose で確認できます",
	"claim.verify-still-down":      "{since} から表示の遅い状態が続いており、対策の後も途切れていません",
	"claim.verify-short":           "障害のない状態を {watched} 確認しました。判定には {least} 必要です",
	"claim.verify-few-visitors":    "障害はありませんが、アクセスがふだんの半分未満です：毎秒 {rate} 件（ふだんは毎秒 {usual} 件）",
	"claim.verify-usual-unknown":   "障害はありませんが、ふだんのアクセス数が分かりません。静かなだけでは解決の証拠になりません",

	"ran.schedule": "サーバー自身のスケジュールから",
}
