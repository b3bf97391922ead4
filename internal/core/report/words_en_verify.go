package report

// enVerify are the sentences on whether a plan has helped.
var enVerify = map[string]string{
	"claim.verify-job-quick":   "The job {hook} ran again (due {due}), and its statement was over in less than a second: it was never seen",
	"claim.verify-job-took":    "The job {hook} ran again (due {due}): its statement took {took}[; in the outage {before}]",
	"claim.verify-job-done":    "The job {hook} ran again (due {due}); how long its statement took was not seen",
	"claim.verify-rule-silent": "What caused the outage was looked for again in the recording since, and is not there",
	"claim.verify-visitors":    "Meanwhile a visitor waited {typical} for a page, {worst} at worst",
	"claim.verify-calm":        "For {watched} there was no trouble, with as many visitors as matter: {rate} requests a second, usually {usual}",
	"claim.verify-host-job":    "{job} is started by the server's own schedule: its time has come, but the start itself was not seen",

	"claim.verify-fires":          "The same cause was found again at {at}, after the plan was done",
	"claim.verify-fires-harmless": "The same cause was found again at {at}, after the plan was done; this time visitors did not feel it",
	"claim.verify-suffered":       "Visitors suffered again at {at}, while the same statement ran for {running}",

	"claim.verify-not-due":         "The job {hook} has not run since; it is due {due}",
	"claim.verify-no-due":          "The job {hook} has not run since, and when it is due is not known: WordPress' schedule could not be read",
	"claim.verify-settling":        "The job {hook} has run; the database may still be at work on what it left, so this is watched until {until}",
	"claim.verify-job-not-run":     "The job {hook} was due {due}, and nothing shows that it has run: WordPress starts it with the next visit, or a cron that asks for wp-cron.php",
	"claim.verify-job-gone":        "The job {hook} is no longer in WordPress' schedule: is the plugin switched off?",
	"claim.verify-not-watched":     "Nothing was recorded since: let the recorder run (sudo hirune record)",
	"claim.verify-gap":             "The job ran while nothing was recorded, from {from} to {to}",
	"claim.verify-visitors-unseen": "How visitors fared was not seen: neither by requests of hirune's own nor by a log with durations",
	"claim.verify-other-trouble":   "Visitors suffered at {at}, but not from this cause: hirune diagnose says more",
	"claim.verify-still-down":      "Visitors have suffered since {since}, without a pause since the plan was done",
	"claim.verify-short":           "It was watched for {watched} without trouble; {least} are needed",
	"claim.verify-few-visitors":    "There was no trouble, but also less than half of the usual demand: {rate} requests a second, usually {usual}",
	"claim.verify-usual-unknown":   "There was no trouble, but how many visitors are usual is not known: silence alone proves nothing",

	"ran.schedule": "by the server's own schedule",
}
