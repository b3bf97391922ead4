package attack

// kind is what a client says of itself by its agent. Anybody can say so.
type kind uint8

const (
	kindOther    kind = iota // a browser, or nothing known
	kindSearch               // a search engine, whose address can be verified
	kindCrawler              // another crawler that says so: AI, SEO, archives
	kindFeed                 // a feed reader
	kindMonitor              // an uptime monitor
	kindPreload              // fills the site's own cache
	kindLinks                // a link checker
	kindApp                  // a blogging app, on xmlrpc.php and REST
	kindJetpack              // WordPress.com
	kindBlog                 // another WordPress, or this one
	kindPingback             // another WordPress that verifies a pingback
	kindScanner              // a tool for attacks, too lazy to hide it
	kindTool                 // a library or command-line tool
)

// agentName is a word of an agent, in lower case, and who says it. The first
// that is found counts, so the telling ones stand before the general ones.
type agentName struct {
	word string
	kind kind
	name string // as shown; "" the word itself
}

// agentNames come from the operators' own pages on their robots and from what
// the tools send by default.
var agentNames = [...]agentName{
	{"cubot", kindOther, ""}, // a maker of phones
	{"verifying pingback from", kindPingback, "pingback"},
	{"jetpack by wordpress.com", kindJetpack, "Jetpack"},
	{"jetmon", kindJetpack, "Jetpack"},

	{"wpscan", kindScanner, "WPScan"}, {"sqlmap", kindScanner, ""}, {"nikto", kindScanner, "Nikto"}, {"nuclei", kindScanner, ""}, {"acunetix", kindScanner, ""},
	{"netsparker", kindScanner, ""}, {"w3af", kindScanner, ""}, {"dirbuster", kindScanner, ""}, {"gobuster", kindScanner, ""}, {"feroxbuster", kindScanner, ""},
	{"fuzz faster u fool", kindScanner, "ffuf"}, {"wfuzz", kindScanner, ""}, {"masscan", kindScanner, ""}, {"zgrab", kindScanner, ""}, {"zmeu", kindScanner, ""},
	{"hydra", kindScanner, ""}, {"arachni", kindScanner, ""}, {"nmap scripting engine", kindScanner, "Nmap"}, {"wpxploit", kindScanner, ""}, {"dirsearch", kindScanner, ""},

	{"feedfetcher-google", kindFeed, ""}, {"feedly", kindFeed, "Feedly"}, {"feedbin", kindFeed, ""}, {"inoreader", kindFeed, "Inoreader"}, {"newsblur", kindFeed, ""},
	{"tiny tiny rss", kindFeed, ""}, {"freshrss", kindFeed, ""}, {"miniflux", kindFeed, ""}, {"netnewswire", kindFeed, ""}, {"feedspot", kindFeed, ""},
	{"theoldreader", kindFeed, ""}, {"the old reader", kindFeed, ""}, {"feedparser", kindFeed, ""}, {"simplepie", kindFeed, ""}, {"livedoor feedfetcher", kindFeed, ""},
	{"reeder", kindFeed, ""}, {"akregator", kindFeed, ""}, {"liferea", kindFeed, ""}, {"superfeedr", kindFeed, ""}, {"overcast", kindFeed, ""}, {"podcast", kindFeed, ""},

	{"googlebot", kindSearch, "google"}, {"google-inspectiontool", kindSearch, "google"}, {"adsbot-google", kindSearch, "google"}, {"mediapartners-google", kindSearch, "google"},
	{"storebot-google", kindSearch, "google"}, {"apis-google", kindSearch, "google"}, {"googleother", kindSearch, "google"}, {"google-site-verification", kindSearch, "google"},
	{"bingbot", kindSearch, "bing"}, {"bingpreview", kindSearch, "bing"}, {"msnbot", kindSearch, "bing"}, {"adidxbot", kindSearch, "bing"}, {"yandex", kindSearch, "yandex"},
	{"baiduspider", kindSearch, "baidu"}, {"duckduckbot", kindSearch, "duckduckgo"}, {"applebot", kindSearch, "apple"}, {"yahoo! slurp", kindSearch, "yahoo"},
	{"seznambot", kindSearch, "seznam"}, {"naver.me", kindSearch, "naver"}, {"yeti/", kindSearch, "naver"}, {"y!j-", kindSearch, "yahoo-japan"},

	{"uptimerobot", kindMonitor, "UptimeRobot"}, {"pingdom", kindMonitor, "Pingdom"}, {"statuscake", kindMonitor, ""}, {"site24x7", kindMonitor, ""}, {"betteruptime", kindMonitor, ""},
	{"better uptime", kindMonitor, ""}, {"uptime-kuma", kindMonitor, "Uptime Kuma"}, {"check_http", kindMonitor, ""}, {"zabbix", kindMonitor, ""}, {"googlehc", kindMonitor, ""},
	{"elb-healthchecker", kindMonitor, ""}, {"kube-probe", kindMonitor, ""}, {"datadog", kindMonitor, ""}, {"newrelicpinger", kindMonitor, ""}, {"freshping", kindMonitor, ""},
	{"hetrixtools", kindMonitor, ""}, {"mackerel", kindMonitor, ""}, {"updown.io", kindMonitor, ""}, {"monitis", kindMonitor, ""}, {"amazon-route53-health-check", kindMonitor, ""},

	{"wp rocket/preload", kindPreload, "WP Rocket"}, {"wp-rocket", kindPreload, "WP Rocket"}, {"lscache_runner", kindPreload, "LiteSpeed Cache"}, {"lscache_walker", kindPreload, "LiteSpeed Cache"},
	{"w3 total cache", kindPreload, ""}, {"wp fastest cache", kindPreload, ""}, {"wp-optimize", kindPreload, ""}, {"cache enabler", kindPreload, ""},
	{"wp-super-cache", kindPreload, ""}, {"wp super cache", kindPreload, ""}, {"cache warmer", kindPreload, ""}, {"cache-warmer", kindPreload, ""}, {"nitropack", kindPreload, ""},
	{"w3c-checklink", kindLinks, ""}, {"linkchecker", kindLinks, ""}, {"link checker", kindLinks, ""}, {"brokenlink", kindLinks, ""}, {"broken link", kindLinks, ""},
	{"screaming frog", kindLinks, "Screaming Frog"}, {"xenu link sleuth", kindLinks, ""}, {"dr. link check", kindLinks, ""}, {"wp link status", kindLinks, ""},

	{"wp-android", kindApp, "WordPress app"}, {"wp-iphone", kindApp, "WordPress app"}, {"jp-android", kindApp, "Jetpack app"}, {"jp-iphone", kindApp, "Jetpack app"},
	{"marsedit", kindApp, "MarsEdit"}, {"ifttt", kindApp, "IFTTT"}, {"open live writer", kindApp, ""}, {"windows live writer", kindApp, ""}, {"zapier", kindApp, "Zapier"},

	{"gptbot", kindCrawler, "GPTBot"}, {"oai-searchbot", kindCrawler, "OAI-SearchBot"}, {"chatgpt-user", kindCrawler, "ChatGPT-User"}, {"claudebot", kindCrawler, "ClaudeBot"},
	{"claude-web", kindCrawler, "Claude-Web"}, {"anthropic-ai", kindCrawler, ""}, {"perplexity", kindCrawler, "PerplexityBot"}, {"ccbot", kindCrawler, "CCBot"},
	{"bytespider", kindCrawler, "Bytespider"}, {"amazonbot", kindCrawler, "Amazonbot"}, {"meta-external", kindCrawler, "Meta"}, {"facebookexternalhit", kindCrawler, "Facebook"},
	{"petalbot", kindCrawler, "PetalBot"}, {"ahrefsbot", kindCrawler, "AhrefsBot"}, {"semrushbot", kindCrawler, "SemrushBot"}, {"mj12bot", kindCrawler, "MJ12bot"},
	{"dotbot", kindCrawler, "DotBot"}, {"blexbot", kindCrawler, "BLEXBot"}, {"dataforseobot", kindCrawler, "DataForSeoBot"}, {"barkrowler", kindCrawler, "Barkrowler"},
	{"diffbot", kindCrawler, "Diffbot"}, {"imagesiftbot", kindCrawler, "ImagesiftBot"}, {"timpibot", kindCrawler, ""}, {"scrapy", kindCrawler, "Scrapy"}, {"archive.org_bot", kindCrawler, ""},

	{"wordpress/", kindBlog, "WordPress"},
	{"curl/", kindTool, "curl"}, {"wget/", kindTool, "Wget"}, {"python-requests", kindTool, ""}, {"python-urllib", kindTool, ""}, {"aiohttp", kindTool, ""}, {"go-http-client", kindTool, ""},
	{"libwww-perl", kindTool, ""}, {"okhttp", kindTool, ""}, {"java/", kindTool, ""}, {"axios", kindTool, ""}, {"node-fetch", kindTool, ""}, {"guzzlehttp", kindTool, ""}, {"headlesschrome", kindTool, ""},

	{"bot/", kindCrawler, "another crawler"}, {"bot;", kindCrawler, "another crawler"}, {"crawler", kindCrawler, "another crawler"}, {"spider", kindCrawler, "another crawler"},
	{"bot ", kindCrawler, "another crawler"}, {"rss", kindFeed, "a feed reader"}, {"monitor", kindMonitor, "a monitor"},
}

// agentLook is how much of an agent is looked at.
const agentLook = 400

// agentHeads finds the names by their first two bytes: an agent is gone
// through once, however many names there are.
var agentHeads = indexAgents()

const headBits = 10

func indexAgents() (heads [1 << headBits][]int16) {
	for i, a := range agentNames {
		h := headOf(a.word[0], a.word[1])
		heads[h] = append(heads[h], int16(i))
	}
	return heads
}

func headOf(a, b byte) int { return (int(a)<<5 ^ int(b)) & (1<<headBits - 1) }

// kindOf finds what an agent says of itself: its index in agentNames, -1 for
// nothing known. It is asked once for each agent, not for each request.
func kindOf(agent []byte) int {
	var buf [agentLook + 1]byte
	low := buf[:copy(buf[:agentLook], agent)]
	for i, c := range low {
		if c >= 'A' && c <= 'Z' {
			low[i] = c + 'a' - 'A'
		}
	}
	low = append(low, ';') // a word at the end counts as one that is ended
	best := int16(-1)
	for i := 0; i+1 < len(low); i++ {
		for _, n := range agentHeads[headOf(low[i], low[i+1])] {
			if w := agentNames[n].word; (best < 0 || n < best) && len(low)-i >= len(w) && string(low[i:i+len(w)]) == w {
				best = n
			}
		}
	}
	return int(best)
}

// Robot is the name of the crawler or search engine that an agent says it is;
// empty where it says to be neither. Anybody can say so.
func Robot(agent []byte) string {
	i := kindOf(agent)
	if k := kindAt(i); k != kindSearch && k != kindCrawler {
		return ""
	}
	return agentNames[i].shown()
}

// kindAt is the kind of a name by its index.
func kindAt(i int) kind {
	if i < 0 {
		return kindOther
	}
	return agentNames[i].kind
}

// shown is the name as a report shows it.
func (a *agentName) shown() string {
	if a.name != "" {
		return a.name
	}
	return a.word
}
