package report

// jaPlan says in Japanese how plans, runs and outcomes are told, and what to do
// so that a table stays small.
var jaPlan = joined(jaPlanFrame, jaPlanCodes, jaSmall)

// jaPlanFrame are the headings and phrases.
var jaPlanFrame = map[string]string{
	"ui.no-plans":         "直近の診断の原因に対して、hirune が自分でできることはありません。手作業での対処: hirune diagnose --verbose",
	"ui.because":          "理由",
	"ui.refused":          "実行しません",
	"ui.instead":          "代わりに",
	"ui.takes":            "所要時間",
	"ui.changes":          "変更",
	"ui.locks":            "ロック",
	"ui.disk":             "ディスク",
	"ui.risk":             "リスク",
	"ui.undo":             "取り消し",
	"ui.irreversible":     "この手順は取り消せません。名前を指定して同意した場合にのみ実行します: {kind}",
	"ui.irreversible-sql": "この手順は取り消せません。それでも実行する場合は、コメントの記号を外してください。",
	"ui.exactly":          "実行内容",
	"ui.and-more":         "{x} …ほか {n}件",
	"ui.in-all":           "全体",
	"ui.by-hand":          "手作業",
	"ui.by-hand-n":        "ご自身で変更できる点がほかに {n}件あります: hirune plan --verbose",
	"ui.undo-all":         "hirune undo --all ですべて元に戻せます。",
	"ui.undo-but":         "hirune undo --all で元に戻せます。ただし、次は戻せません: {x}",
	"ui.undo-none":        "取り消せません。",
	"ui.about-time":       "約 {d}",
	"ui.capped-time":      "CPU に上限がかかっている間は約 {d}",
	"ui.at-once":          "1秒未満",
	"ui.rows":             "{rows}行",
	"ui.stall":            "訪問者を待たせる時間は、長くても {d} です。",
	"ui.disk-needs":       "作業中に {x} 必要です。",
	"ui.disk-frees":       "{x} の空きが戻ります。",
	"ui.script-more":      "… ほか {n}行。すべて表示: hirune plan --verbose",
	"ui.h-others":         "ほかの方法と、選ばなかった理由",
	"ui.h-advice":         "必要に応じて手作業で変更するもの",
	"ui.in-file":          "{file} に:",
	"ui.settle":           "効果の確認",
	"ui.settle-hook":      "ジョブ {hook} が次に実行された後[（予定 {due}）]、hirune verify で効果を確認できます。",
	"ui.settle-least":     "障害のない状態が {d} 続いた後、hirune verify で効果を確認できます。",
	"ui.waiting":          "待機中",
	"ui.per-second":       "毎秒 {n}行",
	"ui.left":             "残り約 {d}",
	"ui.no-runs":          "ここではまだ何も実行していません。",
	"ui.run":              "実行 {n}: {title}（{state}）",
	"ui.took":             "{d} かかりました",
	"ui.outcome":          "結果",
	"ui.explain":          "削除 SQL の EXPLAIN",

	"ui.explain-access":  "読み方",
	"ui.explain-key":     "インデックス",
	"ui.explain-rows":    "読む行数",
	"ui.not-achieved":    "目標は {want}",
	"ui.job":             "ジョブ",
	"ui.job-not-yet":     "まだ再実行されていません[（予定 {due}）]",
	"ui.job-ran":         "再実行されました[（予定 {due}）]",
	"ui.job-fast":        "1秒かからずに終わりました",
	"ui.job-took":        "SQL の実行時間は {d} でした",
	"ui.ask-again":       "次の確認",
	"ui.fared-before":    "障害時のページ表示は {x} でした。",
	"ui.fared-after":     "その後は {x} です。",
	"ui.fared-now":       "現在のページ表示は {x} です。",
	"ui.fared-unwatched": "その後は測定されていません。",
}

// jaPlanCodes are the names of steps, of events and of what is waited for.
var jaPlanCodes = map[string]string{
	"step.delete-in-chunks.title": "古い行を少しずつ削除する", "step.delete-in-chunks.doing": "古い行を削除中",
	"step.keep-and-swap.title": "残す行を新しいテーブルに写し、名前を入れ替える", "step.keep-and-swap.doing": "残す行をコピー中",
	"step.drop-table.title": "残った旧テーブルを削除する", "step.drop-table.doing": "テーブルを削除中",
	"step.rebuild-table.title": "削除した行の分の領域をディスクに返す", "step.rebuild-table.doing": "テーブルを再構築中",
	"step.add-index.title": "読み書きを止めずにインデックスを追加する", "step.add-index.doing": "インデックスを追加中",
	"step.explain-statement.title": "削除処理の実行計画を調べる（読み取りのみ）", "step.explain-statement.doing": "実行計画を確認中",
	"step.kill-query.title": "全体を待たせている処理を止める", "step.kill-query.doing": "SQL を停止中",
	"step.write-include.title": "Web サーバーに hirune 専用の設定ファイルを 1つ追加し、検査して再読み込みする", "step.write-include.doing": "Web サーバーの設定を変更中",
	"step.move-cron-event.title": "WordPress のジョブをアクセスの少ない時間に移す", "step.move-cron-event.doing": "ジョブを移動中",
	"step.retention-job.title": "テーブルを小さく保つ毎日のジョブを設置する", "step.retention-job.doing": "ジョブを設置中",

	"doing.deleting": "古い行を削除中", "doing.copying": "残す行をコピー中", "doing.indexing": "インデックスを追加中",
	"doing.rolling-back": "データベースが変更を取り消し中", "doing.testing": "確認中", "doing.loading": "行を元に戻しています",
	"doing.rebuilding": "テーブルを再構築中", "doing.swapping": "テーブルを入れ替え中", "doing.dropping": "テーブルを削除中", "doing.comparing": "行を照合中",
	"doing.write-include.testing": "Web サーバーを確認中", "doing.write-include.loading": "Web サーバーの設定を再読み込み中", "doing.explain-statement.testing": "実行計画を確認中",

	"wait.cpu-capped": "CPU の上限に達しています", "wait.slow-pages": "ページ表示がいつもより遅くなっています",
	"wait.lock-waits": "ほかの処理がこちらのロックを待っています", "wait.purge-lag": "データベース内部の後片付けが追いついていません",
	"wait.disk-low": "ディスクの空きがわずかです", "wait.replica-lag": "レプリカが遅れています",
	"wait.paused": "一時停止ファイルがあります", "wait.metadata-lock": "ほかの SQL がテーブルを使っています",
	"wait.long-transaction": "終わっていないトランザクションがテーブルを使っています", "wait.dump-running": "バックアップの実行中です",
	"wait.ddl-running": "ほかの処理がテーブルの構造を変更しています", "wait.retry": "もう一度試します",
	"wait.reconnect": "データベースに接続できません",
	"wait.row-locks": "ほかの SQL が行をロックしています", "wait.database-down": "データベースに接続できません。再接続中", "wait.smaller-chunk": "一度に処理する量を減らしています",
	"wait.dump-runs": "バックアップの実行中です", "wait.other-ddl": "ほかの処理がテーブルの構造を変更しています",
	"wait.long-statement": "時間のかかる SQL がテーブルを使っています", "wait.open-transaction": "終わっていないトランザクションがテーブルを使っています",
	"wait.table-locked": "時間内にテーブルが空きませんでした", "wait.plan-not-range": "まだテーブル全体を読む計画です",
	"wait.cron-changed": "その間に WordPress が予定を変更しました",

	"risk.none": "なし（読み取りのみ）", "risk.low": "低い（自動で止まり、取り消せます）",
	"risk.medium": "中程度（訪問者が気付く、または取り消しに時間がかかる可能性があります）", "risk.high": "高い（取り消せないか、失われるものがあります）",

	"strategy.chunks": "少しずつ削除する", "strategy.swap": "残す行を写して名前を入れ替える",
	"strategy.truncate": "空のテーブルと入れ替える", "strategy.refuse-by-plugin": "セキュリティプラグインで拒否する",
	"strategy.ban-addresses": "アドレスを遮断する", "strategy.delete-file": "ファイルを削除する",

	"state.open": "未完了", "state.done": "完了", "state.closed": "中止", "state.undone": "取り消し済み", "state.failed": "失敗", "state.stopped": "停止中",

	"event.none": "未着手", "event.begun": "開始", "event.done": "完了", "event.found-done": "すでにその状態でした", "event.failed": "失敗",
	"event.stopped": "停止（再開できます）", "event.undo-begun": "取り消し中", "event.undone": "取り消し済み",
	"event.undo-left": "取り消せないため、そのままです", "event.undo-failed": "取り消しに失敗",

	"outcome.cured": "解決しました", "outcome.persists": "再発しました", "outcome.untested": "まだ分かりません",

	"explain.before": "実行前", "explain.after-purge": "削除後", "explain.after-index": "インデックス追加後",

	"ran.rescheduled": "WordPress が次回を予約し直したことから", "ran.request": "アクセスログの記録から", "ran.statement": "SQL の実行を観測",
}
