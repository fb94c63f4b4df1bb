/*
 * picture_words.c
 *		What pictures say, and how numbers are written, by language.
 */
#include "postgres.h"

#include <math.h>

#include "picture_svg.h"

#define LANGUAGES	4

static const char *const languages[LANGUAGES] = {"en", "de", "fr", "es"};

static const char *const words[JP_WORDS][LANGUAGES] = {
	[JP_WORD_FUNNEL] = {"Funnel", "Trichter", "Entonnoir", "Embudo"},
	[JP_WORD_JOURNEY] = {"Journey map", "Wege der Menschen", "Carte des parcours", "Mapa de recorridos"},
	[JP_WORD_RETENTION] = {"Retention", "Wiederkehr", "Rétention", "Retención"},
	[JP_WORD_DECISIONS] = {"Decisions", "Entscheidungen", "Décisions", "Decisiones"},
	[JP_WORD_PEOPLE] = {"people", "Personen", "personnes", "personas"},
	[JP_WORD_TIMES] = {"times", "mal", "fois", "veces"},
	[JP_WORD_TOO_FEW] = {"too few to tell", "zu wenige für eine Angabe", "trop peu pour être indiqué", "muy pocas para indicarlo"},
	[JP_WORD_NOTHING] = {"Nothing to show: no events, or too few people.", "Nichts zu zeigen: keine Ereignisse oder zu wenige Personen.",
	"Rien à montrer : aucun événement, ou trop peu de personnes.", "Nada que mostrar: ningún evento o muy pocas personas."},
	[JP_WORD_OTHER] = {"(other)", "(andere)", "(autres)", "(otros)"},
	[JP_WORD_END] = {"(end)", "(Ende)", "(fin)", "(fin)"},
	[JP_WORD_END_WHY] = {"went no further, or on ways that too few people took", "gingen nicht weiter oder auf Wegen, die zu wenige nahmen",
	"ne sont pas allées plus loin, ou par des chemins trop peu suivis", "no siguieron, o por caminos que muy pocas tomaron"},
	[JP_WORD_POOLED_WHY] = {"ways that few people took, together", "Wege, die wenige nahmen, zusammen",
	"chemins peu suivis, réunis", "caminos que pocas tomaron, juntos"},
	[JP_WORD_OF_FIRST] = {"of the first step", "des ersten Schritts", "de la première étape", "del primer paso"},
	[JP_WORD_LEAVE] = {"leave", "springen ab", "partent", "se van"},
	[JP_WORD_MEDIAN] = {"median", "Median", "médiane", "mediana"},
	[JP_WORD_WITHIN] = {"within", "innerhalb von", "en moins de", "en menos de"},
	[JP_WORD_COHORT] = {"cohort", "Kohorte", "cohorte", "cohorte"},
	[JP_WORD_SMALL_COHORTS] = {"(small ones)", "(kleine)", "(petites)", "(pequeñas)"},
	[JP_WORD_AFTER_DAYS] = {"days after the first", "Tage nach dem ersten", "jours après le premier", "días después del primero"},
	[JP_WORD_AFTER_WEEKS] = {"weeks after the first", "Wochen nach der ersten", "semaines après la première", "semanas después de la primera"},
	[JP_WORD_AFTER_MONTHS] = {"months after the first", "Monate nach dem ersten", "mois après le premier", "meses después del primero"},
	[JP_WORD_OR_LATER] = {"or later", "oder später", "ou plus tard", "o más tarde"},
	[JP_WORD_YES] = {"yes", "Ja", "oui", "sí"},
	[JP_WORD_NO] = {"no", "Nein", "non", "no"},
	[JP_WORD_IN_FORCE] = {"have said yes", "haben zugestimmt", "ont dit oui", "han dicho que sí"},
	[JP_WORD_PER_DAY] = {"people who decided, per day", "Personen, die entschieden haben, je Tag", "personnes qui ont décidé, par jour", "personas que decidieron, por día"},
	[JP_WORD_PER_WEEK] = {"people who decided, per week", "Personen, die entschieden haben, je Woche", "personnes qui ont décidé, par semaine", "personas que decidieron, por semana"},
	[JP_WORD_PER_MONTH] = {"people who decided, per month", "Personen, die entschieden haben, je Monat", "personnes qui ont décidé, par mois", "personas que decidieron, por mes"},
	[JP_WORD_NO_PURPOSE] = {"There is no purpose to decide on.", "Es gibt keinen Zweck, über den zu entscheiden wäre.", "Il n’y a aucune finalité à décider.", "No hay ninguna finalidad sobre la que decidir."},
	[JP_WORD_NOT_DRAWN] = {"not drawn", "nicht gezeichnet", "non dessinés", "sin dibujar"},
	[JP_WORD_NO_VALUE] = {"(none)", "(ohne)", "(sans)", "(sin valor)"},
	[JP_WORD_ANY] = {"anything", "irgendetwas", "n’importe quoi", "cualquier cosa"},
	[JP_WORD_TO] = {"to", "nach", "vers", "a"},
};

/* How numbers and durations are written. */
static const struct
{
	const char *thousands;
	const char *point;
	const char *percent;
	const char *months;
	const char *days;
}			writing[LANGUAGES] = {
	{",", ".", "%", "mo", "d"},
	{".", ",", "\302\240%", "Mon.", "T"},
	{"\342\200\257", ",", "\302\240%", "mois", "j"},
	{".", ",", "\302\240%", "meses", "d"},
};

/* A language by its name. */
int
jp_language(const char *name)
{
	int			i;

	for (i = 0; i < LANGUAGES; i++)
		if (strcmp(languages[i], name) == 0)
			return i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("there are no pictures in this language"),
			 errhint("Use en, de, fr or es.")));
}

/* Its name. */
const char *
jp_language_name(int language)
{
	return languages[language];
}

/* A word. */
const char *
jp_picture_word(const JpPicture *picture, JpWord word)
{
	return words[word][picture->language];
}

/* 1,234 */
char *
jp_said_count(const JpPicture *picture, int64 count)
{
	StringInfoData said;
	char		digits[24];
	int			length,
				i;

	initStringInfo(&said);
	length = snprintf(digits, sizeof(digits), INT64_FORMAT, count);
	for (i = 0; i < length; i++)
	{
		if (i > 0 && (length - i) % 3 == 0)
			appendStringInfoString(&said, writing[picture->language].thousands);
		appendStringInfoChar(&said, digits[i]);
	}
	return said.data;
}

/* 62%, 7.5%, <0.1%: whole from 10 on, and where it is nothing or all. */
char *
jp_said_share(const JpPicture *picture, double share)
{
	const char *percent = writing[picture->language].percent;
	const char *point = writing[picture->language].point;
	int			tenths = (int) rint(share * 1000);

	if (share > 0 && tenths == 0)
		return psprintf("&lt;0%s1%s", point, percent);
	if (share < 1 && share * 100 > 99.5)
		return psprintf("&gt;99%s", percent);
	if (tenths == 0 || tenths >= 100)
		return psprintf("%d%s", (int) rint(share * 100), percent);
	return psprintf("%d%s%d%s", tenths / 10, point, tenths % 10, percent);
}

/* 3 min, 2 h 5 min, 1 d 4 h: the two largest units. */
char *
jp_said_interval(const JpPicture *picture, const Interval *interval)
{
	const int64 size[] = {USECS_PER_DAY, USECS_PER_HOUR, USECS_PER_MINUTE, USECS_PER_SEC};
	const char *name[] = {writing[picture->language].days, "h", "min", "s"};
	int64		left = interval->day * USECS_PER_DAY + interval->time;
	StringInfoData said;
	int			units = 0;
	int			i;

	initStringInfo(&said);
	if (interval->month != 0)
	{
		appendStringInfo(&said, "%d\302\240%s", interval->month, writing[picture->language].months);
		units++;
	}
	for (i = 0; i < lengthof(size) && units < 2; i++)
	{
		int64		count = left / size[i];

		if (count == 0)
			continue;
		appendStringInfo(&said, "%s" INT64_FORMAT "\302\240%s", units++ > 0 ? " " : "", count, name[i]);
		left -= count * size[i];
	}
	if (units == 0)
		appendStringInfoString(&said, left == 0 ? "0\302\240s" : "&lt;1\302\240s");
	return said.data;
}
