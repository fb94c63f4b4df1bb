# Pictures as people see them: contrast in light and dark, and in a browser, if
# Chromium is here, at the width of a phone and of a desktop: no label is cut or
# overlaps another, nothing is asked of any other host.  Screenshots stay in
# tmp_check/pictures.
use strict;
use warnings;

use File::Path qw(make_path);
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('pictures');
$node->init(extra => [ '--encoding=UTF8', '--locale=C.UTF-8' ]);
$node->append_conf('postgresql.conf', q{
shared_preload_libraries = 'journey_privacy'
timezone = 'UTC'
journey_privacy.keyring_file = '} . $node->basedir . q{/keyring'});
$node->start;
$node->safe_psql('postgres', q{
CREATE EXTENSION journey_privacy CASCADE;
SELECT journey_privacy.create_keyring();
SELECT journey_privacy.create_purpose('analytics', 'consent', min_group => 20, consent_valid_for => '40 days');
SELECT journey_privacy.create_purpose('exact', 'opt_out', min_group => 1);
CREATE TABLE visit (visitor journey_privacy.pseudonym NOT NULL, at timestamptz NOT NULL, event text NOT NULL, props jsonb);
SELECT journey_privacy.protect('visit', 'visitor', occurred_at => 'at');
SELECT setseed(0.7);
CREATE TABLE draw AS SELECT i, k, random() AS r, random() AS q FROM generate_series(1, 2000) i, generate_series(1, 8) k;
INSERT INTO visit
  SELECT journey_privacy.pseudonymize('customer_id', 9650000 + i::bigint),
    timestamptz '2024-03-04 09:00Z' + i % 42 * interval '1 day' + k * interval '9 minutes' * (1 + 3 * q) + CASE WHEN k > 4 THEN interval '7 days' * floor(6 * q * q) ELSE '0' END,
    (ARRAY['home', 'search', 'product page', 'cart', 'help centre', 'newsletter sign-up', 'buy', 'order_confirmation_received'])[1 + floor(least(7, 3 * r + k * r * 0.9))::int],
    jsonb_build_object('device', (ARRAY['phone', 'desktop', 'tablet'])[1 + i % 3])
  FROM draw WHERE k <= 1 + i % 8;
-- names of whatever kind and length
INSERT INTO visit
  SELECT journey_privacy.pseudonymize('customer_id', 9655000 + i::bigint), timestamptz '2025-01-01Z' + k * interval '1 hour',
    (ARRAY['<script>alert(1)</script>', repeat('W', 10000), repeat(U&'\0645\0631\062D\0628\0627 ', 20), U&'\+01F6D2\+01F6D2\+01F6D2 basket', 'a "quoted" ]]> name',
           U&'\6CE8\6587\78BA\8A8D\3092\53D7\3051\53D6\308A\307E\3057\305F\3001\3042\308A\304C\3068\3046', repeat('mw ', 30), 'x'])[1 + (i * k + i % 5) % 8], '{"device": "<b>"}'
  FROM generate_series(1, 40) i, generate_series(1, 5) k;
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9650000 + i::bigint), p, r < 0.8, timestamptz '2024-03-01Z' + i % 60 * interval '1 day'))
  FROM draw, unnest(ARRAY['analytics', 'exact']) p WHERE k = 1;
SELECT count(journey_privacy.record_consent(journey_privacy.pseudonymize('customer_id', 9650000 + i::bigint), 'analytics', false, timestamptz '2024-03-20Z' + i % 40 * interval '1 day'))
  FROM draw WHERE k = 2 AND r < 0.2;
});

my $floor = "SET journey_privacy.purpose = 'analytics';";
my $odd = "during => '[2025-01-01,2025-02-01)'";
my %calls = (
	funnel => "$floor SELECT journey_privacy.funnel_svg('visit', ARRAY['home', 'product page', 'cart', 'buy'], within => '1 day')",
	funnel_groups => "$floor SELECT journey_privacy.funnel_svg('visit', '{home,cart,order_confirmation_received}', breakdown => 'props', breakdown_key => 'device', language => 'de')",
	funnel_few => "$floor SELECT journey_privacy.funnel_svg('visit', '{order_confirmation_received,buy,help centre,search}', language => 'fr')",
	funnel_odd => "SELECT journey_privacy.funnel_svg('visit', (SELECT array_agg(DISTINCT replace(event, '|', '\\|')) FROM visit WHERE at > '2025-01-01'), $odd, title => repeat('title ', 50))",
	journey => "$floor SELECT journey_privacy.journey_map_svg('visit')",
	journey_exact => "SELECT journey_privacy.journey_map_svg('visit', 4, during => '(,2025-01-01)', language => 'es')",
	journey_deep => "SELECT journey_privacy.journey_map_svg('visit', 20, during => '(,2025-01-01)', title => 'Where people go')",
	journey_anywhere => "$floor SELECT journey_privacy.journey_map_svg('visit', NULL)",
	journey_odd => "SELECT journey_privacy.journey_map_svg('visit', $odd)",
	journey_nothing => "SELECT journey_privacy.journey_map_svg('visit', anchor => 'nothing', language => 'fr')",
	retention => "$floor SELECT journey_privacy.retention_svg('visit', period => 'week', periods => 8)",
	retention_exact => "SELECT journey_privacy.retention_svg('visit', 'home', period => 'day', periods => 14, mode => 'on_or_after', during => '[2024-03-04,2024-03-20)', language => 'de')",
	retention_nothing => "SELECT journey_privacy.retention_svg('visit', 'nothing')",
	consent => "SELECT journey_privacy.consent_svg(during => '[2024-03-01,2024-05-15)')",
	consent_month => "SELECT journey_privacy.consent_svg('analytics', 'month', '[2024-01-01,2024-07-01)', language => 'es')",
	consent_empty => "SELECT journey_privacy.consent_svg('analytics', 'week', '[2023-01-01,2023-03-01)', language => 'fr')");
my %svg = map { $_ => $node->safe_psql('postgres', $calls{$_}) } sort keys %calls;

# In a database of another encoding, what it has no character for is a reference.
$node->safe_psql('postgres', "CREATE DATABASE latin ENCODING 'LATIN1' LOCALE 'C' TEMPLATE template0");
$node->safe_psql('latin', "CREATE EXTENSION journey_privacy CASCADE; SELECT journey_privacy.create_purpose('analytics', 'consent')");
like($node->safe_psql('latin', "SELECT journey_privacy.consent_svg(during => '[2024-01-01,2024-02-01)', language => 'fr', title => chr(233) || '<')"),
	qr/^[\x20-\x7e]*>&#233;&lt;<[\x20-\x7e]*trop peu pour &#234;tre[\x20-\x7e]*\z/, 'a picture in LATIN1');

# Relative luminance and contrast, as WCAG 2 defines them.
sub luminance
{
	my @part = map { my $c = hex($_) / 255; $c <= 0.03928 ? $c / 12.92 : (($c + 0.055) / 1.055)**2.4 } $_[0] =~ /([0-9a-f]{2})/g;
	return 0.2126 * $part[0] + 0.7152 * $part[1] + 0.0722 * $part[2];
}

sub contrast
{
	my ($light, $dark) = sort { $b <=> $a } map { luminance($_) } @_;
	return ($light + 0.05) / ($dark + 0.05);
}

my ($light, $dark) = split /\@media \(prefers-color-scheme:dark\)/, $svg{funnel} =~ m{<style>(.*)</style>}s ? $1 : '';
my @wanted = (
	(map { [ $_, 'bg', 4.5 ], [ $_, 'fall', 4.5 ] } qw(ink dim)),
	(map { [ 'on0', "h$_", 4.5 ], [ 'on1', 'h' . ($_ + 5), 4.5 ] } 0 .. 4),
	(map { [ $_, 'bg', 3 ] } qw(bar yes no share few end), map { "c$_" } 0 .. 7), [ 'bar', 'track', 3 ]);
for my $scheme ([ light => $light ], [ dark => $dark ])
{
	my %colour = $scheme->[1] =~ /\.jp-picture \.(\w+)\{[\w-]+:#([0-9a-f]{6})\}/g;
	my @bad = grep { !defined $colour{ $_->[0] } || !defined $colour{ $_->[1] } || contrast($colour{ $_->[0] }, $colour{ $_->[1] }) < $_->[2] } @wanted;
	is(join(', ', map { "$_->[0] on $_->[1]" } @bad), '', "contrast when it is $scheme->[0]");
}

my ($browser) = grep { -x } map { ("$_/chromium", "$_/chromium-browser", "$_/google-chrome") } split /:/, $ENV{PATH};
if (!defined $browser)
{
	note('Chromium is not here: nothing is looked at');
	done_testing();
	exit;
}

my $dir = ($ENV{TESTDATADIR} // $PostgreSQL::Test::Utils::tmp_check) . '/pictures';
make_path($dir);

# Which texts are cut or lie on each other, told by the page itself.
my $measure = <<'EOJ';
<script>window.onload = function () {
  var bad = [];
  document.querySelectorAll('figure').forEach(function (figure) {
    var svg = figure.querySelector('svg'), frame = svg.getBoundingClientRect(), scale = frame.width / svg.viewBox.baseVal.width, box = [];
    svg.querySelectorAll('text').forEach(function (text) { box.push([text.textContent.slice(0, 30), text.getBoundingClientRect()]); });
    box.forEach(function (a, i) {
      if (a[1].left < frame.left + 8 * scale || a[1].right > frame.right - 8 * scale || a[1].top < frame.top || a[1].bottom > frame.bottom)
        bad.push(figure.id + ': cut: ' + a[0]);
      box.slice(0, i).forEach(function (b) {
        var x = Math.min(a[1].right, b[1].right) - Math.max(a[1].left, b[1].left), y = Math.min(a[1].bottom, b[1].bottom) - Math.max(a[1].top, b[1].top);
        if (x > 1 * scale && y > 4 * scale)
          bad.push(figure.id + ': overlap: ' + a[0] + ' / ' + b[0]);
      });
    });
    if (document.scripts.length != 1) bad.push('a script');
  });
  var told = document.createElement('pre');
  told.id = 'told';
  told.textContent = 'texts ' + document.querySelectorAll('text').length + '\n' + bad.join('\n');
  document.body.appendChild(told);
};</script>
EOJ

# Runs the browser on a page, without a network; returns what it prints.
sub browse
{
	my ($scheme, $width, $height, @args) = @_;
	my ($out, $err) = ('', '');
	IPC::Run::run([ $browser, '--headless', '--no-sandbox', '--disable-gpu', '--hide-scrollbars', '--disable-dev-shm-usage',
			"--user-data-dir=$dir/profile", '--host-resolver-rules=MAP * ~NOTFOUND', '--virtual-time-budget=3000', '--enable-logging=stderr',
			'--blink-settings=preferredColorScheme=' . ($scheme eq 'dark' ? 0 : 1), "--window-size=$width,$height", @args ],
		'<', \undef, '>', \$out, '2>', \$err, IPC::Run::timeout(120));
	return ($out, join("\n", grep { /CONSOLE/ } split /\n/, $err));
}

for my $width (360, 1280)
{
	for my $scheme ('light', 'dark')
	{
		my $height = 0;
		my $page = "<!DOCTYPE html><html lang='en'><head><meta charset='utf-8'><title>Pictures</title><meta name='color-scheme' content='light dark'>"
		  . "<style>body{margin:0}figure{margin:0 0 8px;width:${width}px}svg{display:block;width:100%}</style></head><body>";
		for my $name (sort keys %svg)
		{
			$svg{$name} =~ /viewBox="0 0 ([0-9.]+) ([0-9.]+)"/;
			$height += int($2 / $1 * $width) + 9;
			$page .= "<figure id='$name'>$svg{$name}</figure>";
		}
		my $file = "$dir/$width-$scheme.html";
		open(my $to, '>', $file) or die $!;
		print $to "$page$measure</body></html>";
		close($to);
		my ($dom, $console) = browse($scheme, $width < 500 ? 500 : $width, 800, '--dump-dom', "file://$file");
		my ($texts, $bad) = $dom =~ m{<pre id="told">texts (\d+)\n(.*?)</pre>}s;
		cmp_ok($texts // 0, '>', 400, "the browser shows texts, $width px, $scheme");
		is($bad // 'nothing told', '', "no label is cut or overlaps another, $width px, $scheme");
		is($console, '', "the console is empty, $width px, $scheme");
		for my $name (sort keys %svg)
		{
			$svg{$name} =~ /viewBox="0 0 ([0-9.]+) ([0-9.]+)"/;
			my $tall = int($2 / $1 * $width) + 1;
			next unless $ENV{JP_SCREENSHOTS} || $name =~ /^(funnel|journey|retention|consent)$/;
			open($to, '>', "$dir/one.html") or die $!;
			print $to "<!DOCTYPE html><html><head><meta charset='utf-8'><meta name='color-scheme' content='light dark'>"
			  . "<style>body{margin:0;width:${width}px}svg{display:block}</style></head><body>$svg{$name}</body></html>";
			close($to);
			browse($scheme, $width < 500 ? 500 : $width, $tall, "--screenshot=$dir/$name-$width-$scheme.png", "file://$dir/one.html");
			ok(-s "$dir/$name-$width-$scheme.png", "$name, $width px, $scheme, has been looked at");
		}
	}
}

done_testing();
