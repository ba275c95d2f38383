"""User-Agents as they are sent: of robots, which must read nothing, and of programs and browsers, which must read.

Each has beside it where it comes from: its maker's page, or `collection`, the collection crawler-user-agents 1.67,
which takes them from the logs of web servers.
"""

ROBOTS = {
    # Previews in messengers and mail
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)": "https://api.slack.com/robots",
    "Slackbot 1.0 (+https://api.slack.com/robots)": "https://api.slack.com/robots",
    "Slack-ImgProxy 149 (+https://api.slack.com/robots)": "https://api.slack.com/robots",
    "Mozilla/5.0 (Windows NT 6.1; WOW64) SkypeUriPreview Preview/0.5 skype-url-preview@microsoft.com": "collection",
    "Mozilla/5.0 (compatible; Discordbot/2.0; +https://discordapp.com)": "collection",
    "WhatsApp/2.23.20.0 A": "collection",
    "WhatsApp/2": "Signal's apps",
    "TelegramBot (like TwitterBot)": "collection",
    "Twitterbot/1.0": "https://developer.x.com/en/docs/x-for-websites/cards/guides/getting-started",
    "facebookexternalhit/1.1 (+http://www.facebook.com/externalhit_uatext.php)": "https://developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "facebookexternalhit/1.1": "https://developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "meta-externalagent/1.1": "https://developers.facebook.com/docs/sharing/webmasters/web-crawlers",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_11_1) facebookexternalhit/1.1 Facebot Twitterbot/1.0": "iMessage",
    "facebookexternalhit/1.1;line-poker/1.0": "LINE",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Linespider/1.1; +https://lin.ee/4dwXkTH) "
    "Chrome/W.X.Y.Z Safari/537.36": "https://help2.line.me/linesearchbot/web/",
    "LinkedInBot/1.0 (compatible; Mozilla/5.0; Apache-HttpClient +http://www.linkedin.com)": "collection",
    "Snap URL Preview Service; bot; snapchat; https://developers.snap.com/robots": "https://developers.snap.com/robots",
    "Viber": "collection",
    "Mozilla/5.0 (compatible; vkShare; +http://vk.com/dev/Share)": "http://vk.com/dev/Share",
    "Mattermost-Bot/1.1": "collection",
    "Discourse Forum Onebox v3.3.0.beta1-dev": "collection",
    "Valve/Steam HTTP Client 1.0 (SteamChatURLLookup)": "collection",
    "ClickUpLinkUnfurler/1.0 (+https://clickup.com)": "collection",
    "Asana/1.4.0 WebsiteMetadataRetriever": "collection",
    "Notion/1.0 (https://notion.so; team@makenotion.com)": "collection",
    "github-camo (c006e452)": "collection",
    "Mozilla/5.0 (Windows NT 5.1; rv:11.0) Gecko Firefox/11.0 (via ggpht.com GoogleImageProxy)": "Gmail; collection",
    "YahooMailProxy; https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html": "https://help.yahoo.com/kb/yahoo-mail-proxy-SLN28749.html",
    "Mozilla/5.0 (compatible; Yahoo Link Preview; https://help.yahoo.com/kb/mail/yahoo-link-preview-SLN23615.html)": "https://help.yahoo.com/kb/mail/yahoo-link-preview-SLN23615.html",
    # Previews on social networks
    "Mozilla/5.0 (compatible; redditbot/1.0; +http://www.reddit.com/feedback)": "http://www.reddit.com/feedback",
    "Pinterest/0.2 (+http://www.pinterest.com/bot.html)": "http://www.pinterest.com/bot.html",
    "http.rb/2.2.2 (Mastodon/1.5.1; +https://example-masto-instance.org/)": "collection",
    "Bluesky/": "collection",
    "BlueskyPreviewBot/1.0": "collection",
    "Mozilla/5.0 (compatible; Embedly/0.2; snap; +http://support.embed.ly/)": "http://support.embed.ly",
    "Mozilla/5.0 (compatible; OpenGraph.io/1.1; +https://opengraph.io/ AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/51.0.2704.103 Safari/537.36": "https://www.opengraph.io/",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10.11; rv:49.0) Gecko/20100101 Firefox/49.0 (FlipboardProxy/1.2; "
    "+http://flipboard.com/browserproxy)": "https://about.flipboard.com/browserproxy/",
    "Hatena::Fetcher/0.01 (master) Furl/3.13": "collection",
    "Mozilla/5.0 (compatible; Daum/4.1; +http://cs.daum.net/faq/15/4118.html?faqId=28966)": "http://cs.daum.net/faq/15/4118.html",
    # Search engines and archives
    "Mozilla/5.0 (compatible; Googlebot/2.1; +http://www.google.com/bot.html)": "http://www.google.com/bot.html",
    "GoogleOther": "https://developers.google.com/search/docs/crawling-indexing/overview-google-crawlers",
    "Google-Safety": "https://developers.google.com/search/docs/crawling-indexing/overview-google-crawlers",
    "Mozilla/5.0 (compatible; Google-InspectionTool/1.0)": "https://developers.google.com/search/docs/crawling-indexing/overview-google-crawlers",
    "Mediapartners-Google": "https://support.google.com/webmasters/answer/1061943",
    "Feedfetcher-Google; (+http://www.google.com/feedfetcher.html; 1 subscribers)": "https://support.google.com/webmasters/answer/178852",
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko; Google Web Preview) Chrome/27.0.1453 "
    "Safari/537.36": "collection",
    "Mozilla/5.0 (compatible; bingbot/2.0; +http://www.bing.com/bingbot.htm)": "http://www.bing.com/bingbot.htm",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/534+ (KHTML, like Gecko) BingPreview/1.0b": "https://www.bing.com/webmasters/help/which-crawlers-does-bing-use-8c184ec0",
    "Mozilla/5.0 (compatible; MicrosoftPreview/2.0; +https://aka.ms/MicrosoftPreview)": "https://aka.ms/MicrosoftPreview",
    "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_5) AppleWebKit/605.1.15 Safari/605.1.15 (Applebot/0.1; "
    "+http://www.apple.com/go/applebot)": "http://www.apple.com/go/applebot",
    "'Mozilla/5.0 (compatible; DuckDuckBot-Https/1.1; https://duckduckgo.com/duckduckbot)'": "http://duckduckgo.com/duckduckbot.html",
    "Mozilla/5.0 (compatible; YandexRenderResourcesBot/1.0; +http://yandex.com/bots) AppleWebKit/537.36 (KHTML, like "
    "Gecko) Chrome/108.0.0.0": "http://yandex.com/bots",
    "Mozilla/5.0 (compatible; Baiduspider-render/2.0; +http://www.baidu.com/search/spider.html)": "http://www.baidu.jp/spider/",
    "Sogou web spider/4.0(+http://www.sogou.com/docs/help/webmasters.htm#07)": "http://www.sogou.com/docs/help/webmasters.htm",
    "Mozilla/5.0 (compatible; Yahoo! Slurp; http://help.yahoo.com/help/us/ysearch/slurp)": "http://help.yahoo.com/help/us/ysearch/slurp",
    "Mozilla/5.0 (compatible; SeznamBot/4.0; +http://napoveda.seznam.cz/seznambot-intro/)": "http://napoveda.seznam.cz/seznambot-intro/",
    "Mozilla/5.0 (Linux; Android 7.0;) AppleWebKit/537.36 (KHTML, like Gecko) Mobile Safari/537.36 (compatible; "
    "PetalBot;+https://webmaster.petalsearch.com/site/petalbot)": "https://webmaster.petalsearch.com/site/petalbot",
    "Mozilla/5.0 (compatible; AhrefsBot/7.0; +http://ahrefs.com/robot/)": "http://ahrefs.com/robot/",
    "CCBot/2.0 (https://commoncrawl.org/faq/)": "https://commoncrawl.org/faq/",
    "BUbiNG (+http://law.di.unimi.it/BUbiNG.html)": "http://law.di.unimi.it/BUbiNG.html",
    "ia_archiver-web.archive.org": "collection",
    "SeznamHomepageCrawler/v1.0.6": "http://napoveda.seznam.cz/en/seznambot-intro/",
    # Assistants
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; GPTBot/1.0; +https://openai.com/gptbot)": "https://platform.openai.com/docs/gptbot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko); compatible; ChatGPT-User/1.0; +https://openai.com/bot": "https://openai.com/bot",
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Claude-User/1.0; +Claude-User@anthropic.com)": "collection",  # noqa: E501
    "Mozilla/5.0 AppleWebKit/537.36 (KHTML, like Gecko; compatible; Perplexity-User/1.0; "
    "+https://perplexity.ai/perplexity-user)": "https://docs.perplexity.ai/guides/bots",
    "Mozilla/5.0 (Linux; Android 8.0; Pixel 2 Build/OPD3.170816.012) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/58.0.9038.1080 Mobile Safari/537.36; Bytespider": "collection",
    # Checks
    "Mozilla/5.0 (compatible; CloudflareRadarURLScanner; +https://radar.cloudflare.com/)": "collection",
    "Mozilla/5.0+(compatible; UptimeRobot/2.0; http://www.uptimerobot.com/)": "http://www.uptimerobot.com/",
    "GoogleStackdriverMonitoring-UptimeChecks(https://cloud.google.com/monitoring)": "https://cloud.google.com/monitoring",
    "2Bone_LinkChecker/1.0 libwww-perl/6.03": "collection",
    "W3C_Validator/1.3": "https://validator.w3.org/services",
    "Mozilla/5.0 (compatible; SimpleScraper)": "collection",
}  # fmt: skip
"""User-Agents of robots, and where each comes from."""

READERS = {
    # Command lines and API tools
    "curl/8.5.0": "curl",
    "Wget/1.21.4": "GNU Wget",
    "Wget2/2.1.0": "GNU Wget2",
    "HTTPie/3.2.2": "HTTPie",
    "xh/0.22.2": "xh",
    "aria2/1.37.0": "aria2",
    "PostmanRuntime/7.43.0": "Postman",
    "insomnia/10.3.0": "Insomnia",
    "bruno-runtime/1.38.1": "Bruno",
    "Thunder Client (https://www.thunderclient.com)": "Thunder Client",
    "vscode-restclient": "REST Client for Visual Studio Code",
    "k6/0.55.0 (https://k6.io/)": "k6",
    "Mozilla/5.0 (Windows NT; Windows NT 10.0; en-US) WindowsPowerShell/5.1.19041.4522": "Windows PowerShell",
    "Mozilla/5.0 (Windows NT 10.0; Microsoft Windows 10.0.22631; en-US) PowerShell/7.6.0-preview.4": "PowerShell",
    # Libraries
    "python-requests/2.32.3": "Requests",
    "python-httpx/0.28.1": "HTTPX, and so crypt-api's own client",
    "Python-urllib/3.12": "Python",
    "Python/3.12 aiohttp/3.10.5": "aiohttp",
    "Go-http-client/2.0": "Go",
    "go-resty/2.16.2 (https://github.com/go-resty/resty)": "Resty",
    "okhttp/4.12.0": "OkHttp",
    "axios/1.7.9": "Axios",
    "node": "Node's fetch",
    "undici": "undici",
    "node-fetch/1.0 (+https://github.com/bitinn/node-fetch)": "node-fetch",
    "got (https://github.com/sindresorhus/got)": "Got",
    "node-superagent/3.8.3": "superagent",
    "Deno/2.1.4": "Deno",
    "Bun/1.1.42": "Bun",
    "libwww-perl/6.77": "LWP",
    "HTTP-Tiny/0.088": "HTTP::Tiny",
    "Java/21.0.5": "Java's URLConnection",
    "Java-http-client/21.0.5": "Java's HttpClient",
    "Apache-HttpClient/4.5.14 (Java/17.0.13)": "Apache HttpComponents",
    "Google-HTTP-Java-Client/1.45.0 (gzip)": "Google HTTP Client for Java",
    "Ruby": "Ruby's Net::HTTP",
    "rest-client/2.1.0 (linux x86_64) ruby/3.3.6p108": "rest-client",
    "http.rb/5.2.0": "http.rb",
    "Typhoeus - https://github.com/typhoeus/typhoeus": "Typhoeus",
    "GuzzleHttp/7": "Guzzle",
    "PHP-Curl-Class/4.13.0 (+https://github.com/php-curl-class/php-curl-class) PHP/7.4.11 curl/7.69.1": "collection",
    "Symfony HttpClient (Curl)": "Symfony",
    "RestSharp/112.1.0.0": "RestSharp",
    "Dart/3.5 (dart:io)": "Dart",
    "hackney/1.20.1": "hackney",
    "Mozilla/4.0 (compatible; Win32; WinHttp.WinHttpRequest.5)": "WinHTTP",
    "Mozilla/3.0 (compatible; Indy Library)": "Indy",
    "Dalvik/2.1.0 (Linux; U; Android 9; CUBOT_X20_PRO Build/PPR1.180610.011)": "an app on a phone by Cubot",
    "crypt/1 CFNetwork/1568.200.51 Darwin/24.1.0": "an app on an iPhone",
    # Browsers' scripts
    "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/147.0.0.0 Safari/537.36": "Chrome",
    "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0": "Firefox",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_6_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.6 "
    "Mobile/15E148 Safari/604.1": "Safari",
    "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/145.0.0.0 Safari/537.36 "
    "Edg/145.0.0.0": "Edge",
    "Mozilla/5.0 (Linux; Android 9; CUBOT_X19 Build/PPR1.180610.011) AppleWebKit/537.36 (KHTML, like Gecko) "
    "Chrome/91.0.4472.120 Mobile Safari/537.36": "Chrome on a phone by Cubot",
    "Mozilla/5.0 (Linux; Android 10; K) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/150.0.0.0 Mobile Safari/537.36 "
    "(Ecosia android@150.0.0.0)": "Ecosia",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 16_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "Safari Line/13.8.0": "LINE's own browser",
    "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 "
    "[FBAN/FBIOS;FBAV/470.0.0.30.109;FBDV/iPhone14,5;FBLC/en_US]": "Facebook's own browser",
    "Lynx/2.9.0 libwww-FM/2.14 SSL-MM/1.4.1 GNUTLS/3.8.3": "Lynx",
    "w3m/0.5.3+git20230121": "w3m",
}  # fmt: skip
"""User-Agents of programs and browsers that read messages for persons, and where each comes from."""
