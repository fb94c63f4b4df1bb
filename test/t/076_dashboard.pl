
# The page that dashboard_html() makes, in a real browser (Debian's chromium),
# on a phone and on a desk, light and dark: nothing in the console, no request
# to anybody, no overflow, contrast and labels as WCAG 2 wants them.  Names that
# are markup, long, or run from right to left are shown and do nothing.  Without
# the browser only the text is examined.  Screenshots stay in tmp_check.
use strict;
use warnings;
use utf8;

use Encode;
use File::Path 'make_path';
use IPC::Run;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('dashboard');
$node->init(extra => [ '-E', 'UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;

my $script = q{<script>window.harmed=1</script><img src=x onerror="window.harmed=1">'"&amp;};
my $long = 'x' x 10240;
my $hebrew = "\x{202e}\x{5e9}\x{5dc}\x{5d5}\x{5dd} (\x{627}\x{644}\x{633}\x{644}\x{627}\x{645})";
my $emoji = "\x{1f6d2}\x{1f468}\x{200d}\x{1f469}\x{200d}\x{1f467} cart";
my $table = qq{visit <b onclick="harm()">'&amp; \x{5e9}\x{5dc}};
my $ident = '"' . $table =~ s/"/""/gr . '"';
my $sql = qq{
	CREATE EXTENSION journey_privacy CASCADE;
	SELECT journey_privacy.create_keyring();
	SELECT journey_privacy.create_purpose('analytics', 'consent', \$p\$Measure $script $hebrew\$p\$, min_group => 5);
	SELECT journey_privacy.create_purpose('service', 'contract', \$p\$$long\$p\$);
	SELECT journey_privacy.create_purpose('advertising', 'opt_out', 'Show what may be of interest $emoji');
	CREATE ROLE analyst LOGIN;
	CREATE TABLE $ident (visitor journey_privacy.pseudonym, at timestamptz, event text, props jsonb);
	SELECT journey_privacy.protect(\$t\$$ident\$t\$, 'visitor', occurred_at => 'at', retain_for => '25 months',
	  collected_for => ARRAY['analytics', 'service']);
	GRANT SELECT ON $ident TO analyst;
	SELECT journey_privacy.allow('analyst', 'analytics');
	SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9910000 + i), p, i % 5 > 0, now() - i * interval '11 hours'))
	  FROM generate_series(1, 200) i, unnest(ARRAY['analytics', 'advertising']) p WHERE i % 9 > 0;
	INSERT INTO $ident SELECT journey_privacy.pseudonymize('customer_id', 9910000 + i), now() - (100 - k) * interval '1 minute',
	    (ARRAY['home', \$e\$$script\$e\$, repeat('x', 10240), \$e\$$hebrew\$e\$, \$e\$$emoji\$e\$])[1 + (i * k + k) % 5]
	  FROM generate_series(1, 200) i, generate_series(1, 5) k;
	SELECT journey_privacy.set_controller(\$c\$Shop & Söhne $script\$c\$, 'privacy\@shop.example');
	SELECT journey_privacy.open_request(k, journey_privacy.pseudonymize('customer_id', 9910000 + n), received_at => now() - n * interval '9 days')
	  FROM (VALUES ('access', 1), ('access', 4), ('erasure', 2), ('objection', 3)) r(k, n);
	SELECT journey_privacy.place_hold(\$r\$a claim of Ms $script\$r\$, "table" => \$t\$$ident\$t\$);
	SELECT journey_privacy.checkpoint_audit();
	GRANT EXECUTE ON FUNCTION journey_privacy.dashboard_html(regclass, text, text) TO analyst;
	ANALYZE;};
$node->safe_psql('postgres', encode_utf8($sql));

# As the analyst, who has a purpose; the title is a caller's.
sub page
{
	my ($title, $language, $purpose) = @_;
	my $text = $node->safe_psql('postgres', encode_utf8("SET ROLE analyst; SET journey_privacy.purpose = '$purpose';
		SELECT journey_privacy.dashboard_html(\$i\$$ident\$i\$, " . (defined $title ? "\$t\$$title\$t\$" : 'NULL') . ", '$language')"));
	return decode_utf8($text);
}
my %page = (en => page(undef, 'en', 'analytics'), hostile => page("$script $hebrew $emoji", 'de', 'analytics'),
	fr => page(undef, 'fr', ''), es => page(undef, 'es', 'analytics'));

for my $name (sort keys %page)
{
	my $text = $page{$name};
	unlike($text, qr{<script|<img|<iframe|<link|<object|<form|\bon\w+\s*=\s*"|javascript:|\@import|url\((?!#)}i, "$name: nothing that acts or loads");
	unlike($text, qr{(?:href|src)="(?!#)}, "$name: no address");
	unlike($text, qr{p1_[0-9a-z]{24}|99100\d\d|claim of}, "$name: no person");
	like($text, qr{^<!DOCTYPE html>\n<html lang="(?:en|de|fr|es)">.*</html>\s*\z}s, "$name: a whole page");
	cmp_ok(length($text), '<', 200_000, "$name: not long");
}
like($page{en}, qr{Shop &amp; S\x{f6}hne &lt;script}, 'names are shown as they are');
like($page{fr}, qr{La carte n\x{2019}est pas montr\x{e9}e}, 'without a purpose no map, and the page says so');
unlike($page{en}, qr{The map is not shown}, 'with it a map');

my ($browser) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH};
if (!defined $browser)
{
	note('Chromium is not here: nothing is looked at');
	done_testing();
	exit;
}
my $dir = ($ENV{TESTDATADIR} // $PostgreSQL::Test::Utils::tmp_check) . '/dashboard';
make_path($dir);

# Looks at the page from within, and tells the page around it.
my $look = <<'EOJ';
<script>window.onload = function () {
  var bad = [], every = function (what) { return Array.from(document.querySelectorAll(what)); };
  var wide = document.documentElement.clientWidth;
  if (document.documentElement.scrollWidth > wide) bad.push('overflow: ' + document.documentElement.scrollWidth + ' of ' + wide);
  every('body *').forEach(function (e) {
    var box = e.getBoundingClientRect();
    if (box.width > 1 && !e.closest('figure svg, .skip') && (box.right > wide + 1 || box.left < -1)) bad.push('outside: ' + e.tagName + ' ' + e.textContent.slice(0, 30));
    if (e.matches('figure[tabindex="0"]')) return;  /* it scrolls by itself, with keys too */
    if (e.scrollWidth > e.clientWidth + 1 && e.clientWidth > 1 && !e.closest('svg') && getComputedStyle(e).display != 'inline') bad.push('cut: ' + e.tagName + '.' + e.className + ' ' + e.textContent.slice(0, 30));
  });
  function rgb(text) { return (text.match(/[\d.]+/g) || [0, 0, 0, 0]).map(Number); }
  function light(c) { var l = c.slice(0, 3).map(function (v) { v /= 255; return v <= 0.03928 ? v / 12.92 : Math.pow((v + 0.055) / 1.055, 2.4); }); return 0.2126 * l[0] + 0.7152 * l[1] + 0.0722 * l[2]; }
  function ground(e) { for (; e; e = e.parentElement) { var c = rgb(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c; } return [255, 255, 255]; }
  var texts = 0;
  every('body *').forEach(function (e) {
    if (e.closest('svg, script') || !Array.from(e.childNodes).some(function (n) { return n.nodeType == 3 && n.data.trim() != ''; })) return;
    var style = getComputedStyle(e), size = parseFloat(style.fontSize), a = light(rgb(style.color)), b = light(ground(e));
    var ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), large = size >= 24 || (size >= 18.66 && style.fontWeight >= 700);
    texts++;
    if (ratio < (large ? 3 : 4.5)) bad.push('contrast ' + ratio.toFixed(2) + ': ' + e.textContent.slice(0, 30));
    if (size < 12) bad.push('small: ' + e.textContent.slice(0, 30));
  });
  var level = 0;
  every('h1, h2, h3, h4').forEach(function (h) { var n = +h.tagName[1]; if (n > level + 1) bad.push('heading skips: ' + h.textContent); level = n; if (!h.textContent.trim()) bad.push('empty heading'); });
  [['h1', 1], ['main', 1], ['header', 1], ['footer', 1], ['nav', 1], ['html[lang]', 1], ['title', 1], ['a.skip[href="#content"]', 1]].forEach(function (w) { if (every(w[0]).filter(function (e) { return !e.closest('svg'); }).length != w[1]) bad.push('not one ' + w[0]); });
  every('[aria-labelledby]').forEach(function (e) { e.getAttribute('aria-labelledby').split(' ').forEach(function (id) { if (!document.getElementById(id)) bad.push('no label ' + id); }); });
  every('section:not([aria-labelledby]), nav:not([aria-label]), table:not(:has(caption)), th:not([scope]), svg:not([aria-hidden]):not([role=img]), svg[role=img]:not(:has(title)), details:not(:has(> summary)), pre:not([tabindex])').forEach(function (e) { bad.push('without a label: ' + e.outerHTML.slice(0, 60)); });
  var ids = every('[id]').map(function (e) { return e.id; });
  ids.forEach(function (id, i) { if (ids.indexOf(id) != i) bad.push('id twice: ' + id); });
  every('a').forEach(function (a) { if (!a.textContent.trim() || !document.querySelector(a.getAttribute('href'))) bad.push('link: ' + a.outerHTML); });
  if (document.scripts.length != window.ours || window.harmed) bad.push('a script ran');
  function tell() { parent.postMessage('texts ' + texts + '\n' + bad.join('\n'), '*'); }
  if (!window.axe) return tell();
  window.axe.run({ runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'best-practice'] }).then(function (found) {
    found.violations.forEach(function (v) { bad.push('axe ' + v.id + ': ' + v.nodes.slice(0, 3).map(function (n) { return n.html.slice(0, 80); }).join(' | ')); });
    bad.push('axe passes ' + found.passes.length);
    tell();
  }, function (error) { bad.push('axe: ' + error); tell(); });
};</script>
EOJ

# axe-core from npm, where that can be had.
my $axe = '';
if (grep { -x "$_/npm" } split /:/, $ENV{PATH})
{
	my ($out, $err) = ('', '');
	eval {
		IPC::Run::run([ 'sh', '-c', "cd '$dir' && npm pack --silent axe-core\@4.10.2 && tar -xzf axe-core-*.tgz package/axe.min.js" ],
			'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(60));
	};
	if (open(my $file, '<:utf8', "$dir/package/axe.min.js"))
	{
		local $/;
		$axe = '<script>' . <$file> . '</script>';
	}
}
note($axe eq '' ? 'axe-core is not to be had' : 'with axe-core');

sub spit
{
	my ($name, $text) = @_;
	open(my $file, '>:utf8', "$dir/$name") or die "$name: $!";
	print $file $text;
	close($file);
	return "file://$dir/$name";
}

# Runs the browser without a network; returns what it prints and its console.
sub browse
{
	my ($scheme, $width, $height, @args) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-dev-shm-usage', '--no-first-run',
			'--disable-background-networking', '--disable-component-update', '--disable-sync', '--disable-features=NetworkTimeServiceQuerying', '--proxy-server=http://127.0.0.1:9',
			"--user-data-dir=$dir/profile", '--virtual-time-budget=20000', '--enable-logging=stderr', '--allow-file-access-from-files',
			'--blink-settings=preferredColorScheme=' . ($scheme eq 'dark' ? 0 : 1), "--window-size=$width,$height", @args ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	return (decode_utf8($out), join("\n", grep { /CONSOLE/ } split /\n/, $err));
}

# The page in a frame of a width, as a device of that width shows it.
sub framed
{
	my ($address, $width, $height) = @_;
	return "<!DOCTYPE html><html><head><meta charset='utf-8'><title>Frame</title><meta name='color-scheme' content='light dark'>"
	  . "<style>body{margin:0}iframe{border:0;display:block}</style></head><body><pre id='told' hidden></pre>"
	  . "<script>window.onmessage = function (m) { document.getElementById('told').textContent = m.data; };</script>"
	  . "<iframe src='$address' width='$width' height='$height'></iframe></body></html>";
}

for my $name (sort keys %page)
{
	my $address = spit("$name.html", $page{$name});
	my $copy = $page{$name};
	my $ours = $axe eq '' ? 2 : 3;
	$copy =~ s/(<meta http-equiv="Content-Security-Policy" content="default-src 'none';)/$1 script-src 'unsafe-inline';/;
	$copy =~ s{</body>}{$axe<script>window.ours = $ours;</script>$look</body>};
	my $watched = spit("$name-watched.html", $copy);
	for my $width (360, 1280)
	{
		for my $scheme ('light', 'dark')
		{
			next if $scheme eq 'dark' && $name =~ /^(?:es|fr)$/;
			my $frame = spit('frame.html', framed($watched, $width, 900));
			my ($dom, $console) = browse($scheme, 1300, 900, '--dump-dom', $frame);
			my ($texts, $bad) = $dom =~ m{<pre id="told"[^>]*>texts (\d+)\n(.*?)</pre>}s;
			$bad //= 'nothing told';
			cmp_ok($1, '>', 15, "$name, $width px, $scheme: axe-core has looked") if $bad =~ s/\n?axe passes (\d+)//;
			cmp_ok($texts // 0, '>', 80, "$name, $width px, $scheme: there are texts");
			is(encode_utf8($bad), '', "$name, $width px, $scheme: no overflow, contrast and labels are good");
			next unless $name eq 'en' || ($name eq 'hostile' && $scheme eq 'light');
			$frame = spit('frame.html', framed($address, $width, $width < 500 ? 9000 : 4600));
			browse($scheme, $width < 500 ? 500 : $width, $width < 500 ? 9000 : 4600, "--screenshot=$dir/$name-$width-$scheme.png", $frame);
			ok(-s "$dir/$name-$width-$scheme.png", "$name, $width px, $scheme: has been looked at");
		}
	}

	# By itself, as it is: what the browser says, and whom it asks.
	my ($dom, $console) = browse('light', 1280, 900, '--dump-dom', "--log-net-log=$dir/net.json", $address);
	is($console, '', "$name: the console is empty");
	is(asked(), '', "$name: nobody is asked for anything");
}

# Whom the browser asked; its maker it asks by itself, of a blank page too.
sub asked
{
	my %asked = map { $_ => 1 } grep { !m{^(?:file|data|chrome|chrome-extension|chrome-search|devtools):} && !m{^https?://[\w.-]+\.(?:google|googleapis|gvt1)\.com/} }
	  slurp_file("$dir/net.json") =~ /"url":"([^"]+)"/g;
	return join(' ', sort keys %asked);
}

# It would be seen, in both ways, if a page did ask.
my ($dom, $console) = browse('light', 1280, 900, '--dump-dom', "--log-net-log=$dir/net.json",
	spit('asks.html', '<!DOCTYPE html><title>Asks</title><img src="http://elsewhere.example/x.png"><script>console.log("said")</script>'));
like(asked(), qr{http://elsewhere\.example/x\.png}, 'a page that asks is found out');
like($console, qr/said/, 'and what is said in the console is heard');

done_testing();
