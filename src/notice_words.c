/*
 * notice_words.c
 *		Everything that the documents for people say, in English, German,
 *		French and Spanish.  Short sentences, nothing that the catalog does not
 *		know; lengths of time stand where each language wants no other case.
 */
#include "postgres.h"

#include "notice_words.h"

const char *const jp_say_words[JP_WORDS][JP_LANGUAGES] = {
	[JP_SAY_YEAR] = {"year", "Jahr", "an", "año"},
	[JP_SAY_YEARS] = {"years", "Jahre", "ans", "años"},
	[JP_SAY_MONTH] = {"month", "Monat", "mois", "mes"},
	[JP_SAY_MONTHS] = {"months", "Monate", "mois", "meses"},
	[JP_SAY_DAY] = {"day", "Tag", "jour", "día"},
	[JP_SAY_DAYS] = {"days", "Tage", "jours", "días"},
	[JP_SAY_HOUR] = {"hour", "Stunde", "heure", "hora"},
	[JP_SAY_HOURS] = {"hours", "Stunden", "heures", "horas"},
	[JP_SAY_MINUTE] = {"minute", "Minute", "minute", "minuto"},
	[JP_SAY_MINUTES] = {"minutes", "Minuten", "minutes", "minutos"},
	[JP_SAY_SECOND] = {"second", "Sekunde", "seconde", "segundo"},
	[JP_SAY_SECONDS] = {"seconds", "Sekunden", "secondes", "segundos"},
	[JP_SAY_AND] = {"{1} and {2}", "{1} und {2}", "{1} et {2}", "{1} y {2}"},
	[JP_SAY_YES] = {"yes", "ja", "oui", "sí"},
	[JP_SAY_NO] = {"no", "nein", "non", "no"},
	[JP_SAY_DATED] = {"As of {1}", "Stand: {1}", "État au {1}", "Situación a {1}"},
	[JP_SAY_LABELLED] = {"{1}: {2}", "{1}: {2}", "{1} : {2}", "{1}: {2}"},
	[JP_SAY_IN_COUNTRY] = {"{1} ({2})", "{1} ({2})", "{1} ({2})", "{1} ({2})"},
	[JP_SAY_BASIS_CONSENT] = {"Consent", "Einwilligung", "Consentement", "Consentimiento"},
	[JP_SAY_BASIS_OPT_OUT] = {
		"Until you opt out",
		"Bis zum Widerspruch",
		"Jusqu’à votre opposition",
		"Hasta que usted se oponga"
	},
	[JP_SAY_BASIS_CONTRACT] = {"Contract", "Vertrag", "Contrat", "Contrato"},
	[JP_SAY_BASIS_LEGAL] = {
		"Legal obligation",
		"Rechtliche Verpflichtung",
		"Obligation légale",
		"Obligación legal"
	},
	[JP_SAY_BASIS_VITAL] = {
		"Vital interests",
		"Lebenswichtige Interessen",
		"Intérêts vitaux",
		"Intereses vitales"
	},
	[JP_SAY_BASIS_TASK] = {
		"Public task",
		"Öffentliche Aufgabe",
		"Mission d’intérêt public",
		"Misión de interés público"
	},
	[JP_SAY_BASIS_INTERESTS] = {
		"Legitimate interests",
		"Berechtigte Interessen",
		"Intérêts légitimes",
		"Intereses legítimos"
	},
	[JP_SAY_NOTICE_TITLE] = {
		"How we use your data",
		"Wie wir Ihre Daten verwenden",
		"Comment nous utilisons vos données",
		"Cómo usamos sus datos"
	},
	[JP_SAY_NOTICE_WHO] = {"Who we are", "Wer wir sind", "Qui nous sommes", "Quiénes somos"},
	[JP_SAY_NOTICE_WE_ARE] = {
		"{1} decides why and how your data is used.",
		"{1} entscheidet, wozu und wie Ihre Daten verwendet werden.",
		"{1} décide pourquoi et comment vos données sont utilisées.",
		"{1} decide para qué y cómo se usan sus datos."
	},
	[JP_SAY_NOTICE_REACH] = {
		"You can reach us here: {1}",
		"So erreichen Sie uns: {1}",
		"Vous pouvez nous joindre ici : {1}",
		"Puede ponerse en contacto con nosotros aquí: {1}"
	},
	[JP_SAY_NOTICE_REPRESENTATIVE] = {
		"Our representative in the European Union: {1}",
		"Unsere Vertretung in der Europäischen Union: {1}",
		"Notre représentant dans l’Union européenne : {1}",
		"Nuestro representante en la Unión Europea: {1}"
	},
	[JP_SAY_NOTICE_OFFICER] = {
		"Our data protection officer, who answers your questions about your data: {1}",
		"Unsere Datenschutzbeauftragte oder unser Datenschutzbeauftragter beantwortet Ihre Fragen zu Ihren Daten: {1}",
		"Notre délégué à la protection des données répond à vos questions sur vos données : {1}",
		"Nuestro delegado de protección de datos responde a sus preguntas sobre sus datos: {1}"
	},
	[JP_SAY_NOTICE_WEBSITE] = {
		"More about us: {1}",
		"Mehr über uns: {1}",
		"En savoir plus sur nous : {1}",
		"Más sobre nosotros: {1}"
	},
	[JP_SAY_NOTICE_WHY] = {
		"What we use your data for",
		"Wofür wir Ihre Daten verwenden",
		"Pourquoi nous utilisons vos données",
		"Para qué usamos sus datos"
	},
	[JP_SAY_NOTICE_CONSENT] = {
		"We do this only if you say yes (your consent, Article 6(1)(a) GDPR).",
		"Wir tun das nur, wenn Sie Ja sagen (Ihre Einwilligung, Art. 6 Abs. 1 Buchst. a DSGVO).",
		"Nous le faisons seulement si vous dites oui (votre consentement, article 6, paragraphe 1, point a), du RGPD).",
		"Solo lo hacemos si usted dice que sí (su consentimiento, artículo 6, apartado 1, letra a), del RGPD)."
	},
	[JP_SAY_NOTICE_OPT_OUT] = {
		"We do this unless you say no. You can say no at any time.",
		"Wir tun das, solange Sie nicht Nein sagen. Sie können jederzeit Nein sagen.",
		"Nous le faisons tant que vous ne dites pas non. Vous pouvez dire non à tout moment.",
		"Lo hacemos mientras usted no diga que no. Puede decir que no en cualquier momento."
	},
	[JP_SAY_NOTICE_CONTRACT] = {
		"We need this to do what we have agreed with you (our contract, Article 6(1)(b) GDPR).",
		"Wir brauchen das, um zu tun, was wir mit Ihnen vereinbart haben (unser Vertrag, Art. 6 Abs. 1 Buchst. b DSGVO).",
		"Nous en avons besoin pour faire ce que nous avons convenu avec vous (notre contrat, article 6, paragraphe 1, point b), du RGPD).",
		"Lo necesitamos para hacer lo que hemos acordado con usted (nuestro contrato, artículo 6, apartado 1, letra b), del RGPD)."
	},
	[JP_SAY_NOTICE_LEGAL] = {
		"The law says that we must do this (a legal obligation, Article 6(1)(c) GDPR).",
		"Das Gesetz verpflichtet uns dazu (eine rechtliche Verpflichtung, Art. 6 Abs. 1 Buchst. c DSGVO).",
		"La loi nous y oblige (une obligation légale, article 6, paragraphe 1, point c), du RGPD).",
		"La ley nos obliga a hacerlo (una obligación legal, artículo 6, apartado 1, letra c), del RGPD)."
	},
	[JP_SAY_NOTICE_VITAL] = {
		"We do this to protect somebody’s life or health (vital interests, Article 6(1)(d) GDPR).",
		"Wir tun das, um Leben oder Gesundheit eines Menschen zu schützen (lebenswichtige Interessen, Art. 6 Abs. 1 Buchst. d DSGVO).",
		"Nous le faisons pour protéger la vie ou la santé d’une personne (intérêts vitaux, article 6, paragraphe 1, point d), du RGPD).",
		"Lo hacemos para proteger la vida o la salud de una persona (intereses vitales, artículo 6, apartado 1, letra d), del RGPD)."
	},
	[JP_SAY_NOTICE_TASK] = {
		"This is a task that we do for the public (a public task, Article 6(1)(e) GDPR).",
		"Das ist eine Aufgabe, die wir für die Allgemeinheit erfüllen (öffentliche Aufgabe, Art. 6 Abs. 1 Buchst. e DSGVO).",
		"C’est une tâche que nous remplissons pour tous (mission d’intérêt public, article 6, paragraphe 1, point e), du RGPD).",
		"Es una tarea que hacemos en interés de todos (misión de interés público, artículo 6, apartado 1, letra e), del RGPD)."
	},
	[JP_SAY_NOTICE_INTERESTS] = {
		"We have a good reason for this (legitimate interests, Article 6(1)(f) GDPR).",
		"Wir haben dafür ein berechtigtes Interesse (Art. 6 Abs. 1 Buchst. f DSGVO).",
		"Nous avons pour cela un intérêt légitime (article 6, paragraphe 1, point f), du RGPD).",
		"Tenemos para ello un interés legítimo (artículo 6, apartado 1, letra f), del RGPD)."
	},
	[JP_SAY_NOTICE_YES_COUNTS] = {
		"Your yes counts for {1}. After that it no longer counts.",
		"Ihr Ja gilt {1} lang. Danach gilt es nicht mehr.",
		"Votre oui est valable pendant {1}. Ensuite, il ne compte plus.",
		"Su sí vale durante {1}. Después ya no cuenta."
	},
	[JP_SAY_NOTICE_GROUPS] = {
		"The people who work with this see only numbers about groups of at least {1} people.",
		"Wer damit arbeitet, sieht nur Zahlen über Gruppen von mindestens {1} Personen.",
		"Les personnes qui y travaillent voient seulement des chiffres sur des groupes d’au moins {1} personnes.",
		"Quienes trabajan con esto solo ven cifras sobre grupos de al menos {1} personas."
	},
	[JP_SAY_NOTICE_KEEP] = {
		"We keep the data that we use for this for {1}.",
		"Die Daten, die wir dafür verwenden, bewahren wir {1} lang auf.",
		"Nous gardons les données utilisées à cette fin pendant {1}.",
		"Guardamos durante {1} los datos que usamos para esto."
	},
	[JP_SAY_NOTICE_KEEP_UP_TO] = {
		"We keep the data that we use for this for at most {1}, some of it for a shorter time.",
		"Die Daten, die wir dafür verwenden, bewahren wir höchstens {1} lang auf, manche davon kürzer.",
		"Nous gardons les données utilisées à cette fin pendant {1} au plus, et certaines moins longtemps.",
		"Guardamos como máximo durante {1} los datos que usamos para esto, y algunos menos tiempo."
	},
	[JP_SAY_NOTICE_SOME_NO_LIMIT] = {
		"For some of the data that we use for this we have not set a time limit.",
		"Für manche Daten, die wir dafür verwenden, haben wir keine Frist festgelegt.",
		"Pour certaines des données utilisées à cette fin, nous n’avons pas fixé de durée.",
		"Para algunos de los datos que usamos para esto no hemos fijado un plazo."
	},
	[JP_SAY_NOTICE_NO_LIMIT] = {
		"We have not set a time limit for the data that we use for this.",
		"Für die Daten, die wir dafür verwenden, haben wir keine Frist festgelegt.",
		"Nous n’avons pas fixé de durée pour les données utilisées à cette fin.",
		"No hemos fijado un plazo para los datos que usamos para esto."
	},
	[JP_SAY_NOTICE_DATA] = {
		"What data we use",
		"Welche Daten wir verwenden",
		"Quelles données nous utilisons",
		"Qué datos usamos"
	},
	[JP_SAY_NOTICE_RECIPIENTS] = {
		"Who receives your data",
		"Wer Ihre Daten erhält",
		"Qui reçoit vos données",
		"Quién recibe sus datos"
	},
	[JP_SAY_NOTICE_COUNTRIES] = {
		"Where your data goes outside of Europe",
		"Wohin Ihre Daten außerhalb Europas gelangen",
		"Où vont vos données hors d’Europe",
		"A dónde van sus datos fuera de Europa"
	},
	[JP_SAY_NOTICE_COUNTRY] = {
		"{1} receives data in this country: {2}.",
		"{1} erhält Daten in diesem Land: {2}.",
		"{1} reçoit des données dans ce pays : {2}.",
		"{1} recibe datos en este país: {2}."
	},
	[JP_SAY_NOTICE_SAFEGUARD] = {
		"{1} What protects your data there: {2}",
		"{1} Das schützt Ihre Daten dort: {2}",
		"{1} Ce qui y protège vos données : {2}",
		"{1} Lo que protege allí sus datos: {2}"
	},
	[JP_SAY_NOTICE_PROTECTED] = {
		"How we protect your data",
		"Wie wir Ihre Daten schützen",
		"Comment nous protégeons vos données",
		"Cómo protegemos sus datos"
	},
	[JP_SAY_NOTICE_PSEUDONYMS] = {
		"We replace what names you by codes that nobody can read without a secret key.",
		"Wir ersetzen, was Sie benennt, durch Codes, die ohne einen geheimen Schlüssel niemand lesen kann.",
		"Nous remplaçons ce qui vous désigne par des codes que personne ne peut lire sans une clé secrète.",
		"Sustituimos lo que le nombra por códigos que nadie puede leer sin una clave secreta."
	},
	[JP_SAY_NOTICE_SOME_PSEUDONYMS] = {
		"In part of our data we replace what names you by codes that nobody can read without a secret key.",
		"In einem Teil unserer Daten ersetzen wir, was Sie benennt, durch Codes, die ohne einen geheimen Schlüssel niemand lesen kann.",
		"Dans une partie de nos données, nous remplaçons ce qui vous désigne par des codes que personne ne peut lire sans une clé secrète.",
		"En una parte de nuestros datos sustituimos lo que le nombra por códigos que nadie puede leer sin una clave secreta."
	},
	[JP_SAY_NOTICE_SEALED] = {
		"Some of the data is encrypted with a key of your own. If the key is destroyed, nobody can read that data any more.",
		"Manche Daten sind mit einem eigenen Schlüssel für Sie verschlüsselt. Wird er vernichtet, kann niemand diese Daten mehr lesen.",
		"Certaines données sont chiffrées avec une clé qui vous est propre. Si cette clé est détruite, plus personne ne peut les lire.",
		"Algunos datos están cifrados con una clave propia para usted. Si se destruye esa clave, nadie puede volver a leerlos."
	},
	[JP_SAY_NOTICE_ROWS] = {
		"Whoever works with your data must say for which purpose. The database shows them only what may be used for it.",
		"Wer mit Ihren Daten arbeitet, muss sagen, zu welchem Zweck. Die Datenbank zeigt nur, was dafür verwendet werden darf.",
		"Qui travaille avec vos données doit dire à quelle fin. La base de données ne montre que ce qui peut servir à cette fin.",
		"Quien trabaja con sus datos debe decir con qué fin. La base de datos solo muestra lo que se puede usar para ese fin."
	},
	[JP_SAY_NOTICE_AUDIT] = {
		"We keep a record of who uses the data and for what.",
		"Wir halten fest, wer die Daten wofür verwendet.",
		"Nous notons qui utilise les données et pourquoi.",
		"Anotamos quién usa los datos y para qué."
	},
	[JP_SAY_NOTICE_RIGHTS] = {"Your rights", "Ihre Rechte", "Vos droits", "Sus derechos"},
	[JP_SAY_RIGHT_ACCESS] = {
		"You can ask what data we have about you, and get a copy of it (Article 15 GDPR).",
		"Sie können fragen, welche Daten wir über Sie haben, und eine Kopie davon bekommen (Art. 15 DSGVO).",
		"Vous pouvez demander quelles données nous avons sur vous, et en recevoir une copie (article 15 du RGPD).",
		"Puede preguntar qué datos tenemos sobre usted y recibir una copia (artículo 15 del RGPD)."
	},
	[JP_SAY_RIGHT_RECTIFY] = {
		"You can have wrong data put right (Article 16 GDPR).",
		"Sie können falsche Daten berichtigen lassen (Art. 16 DSGVO).",
		"Vous pouvez faire corriger des données fausses (article 16 du RGPD).",
		"Puede hacer que se corrijan los datos equivocados (artículo 16 del RGPD)."
	},
	[JP_SAY_RIGHT_ERASE] = {
		"You can ask us to erase your data. We must do so unless the law lets or makes us keep it (Article 17 GDPR).",
		"Sie können verlangen, dass wir Ihre Daten löschen. Wir müssen das tun, außer wenn uns das Gesetz erlaubt oder vorschreibt, sie zu behalten (Art. 17 DSGVO).",
		"Vous pouvez nous demander d’effacer vos données. Nous devons le faire, sauf si la loi nous permet ou nous oblige de les garder (article 17 du RGPD).",
		"Puede pedir que borremos sus datos. Debemos hacerlo, salvo que la ley nos permita u obligue a conservarlos (artículo 17 del RGPD)."
	},
	[JP_SAY_RIGHT_RESTRICT] = {
		"In some cases you can ask us to keep your data but not to use it (Article 18 GDPR).",
		"In manchen Fällen können Sie verlangen, dass wir Ihre Daten zwar aufbewahren, aber nicht verwenden (Art. 18 DSGVO).",
		"Dans certains cas, vous pouvez demander que nous gardions vos données sans les utiliser (article 18 du RGPD).",
		"En algunos casos puede pedir que guardemos sus datos sin usarlos (artículo 18 del RGPD)."
	},
	[JP_SAY_RIGHT_WITHDRAW] = {
		"If you have said yes to something, you can take your yes back at any time. What was done before stays lawful. This is about: {1} (Article 7(3) GDPR).",
		"Wenn Sie zu etwas Ja gesagt haben, können Sie Ihr Ja jederzeit zurücknehmen. Was vorher geschah, bleibt rechtmäßig. Das betrifft: {1} (Art. 7 Abs. 3 DSGVO).",
		"Si vous avez dit oui, vous pouvez retirer votre oui à tout moment. Ce qui a été fait avant reste licite. Cela concerne : {1} (article 7, paragraphe 3, du RGPD).",
		"Si ha dicho que sí a algo, puede retirar su sí en cualquier momento. Lo que se hizo antes sigue siendo lícito. Esto se refiere a: {1} (artículo 7, apartado 3, del RGPD)."
	},
	[JP_SAY_RIGHT_OBJECT] = {
		"You can object, for reasons that have to do with your situation, to this: {1} (Article 21 GDPR).",
		"Aus Gründen, die mit Ihrer Lage zu tun haben, können Sie hiergegen Widerspruch einlegen: {1} (Art. 21 DSGVO).",
		"Pour des raisons qui tiennent à votre situation, vous pouvez vous opposer à ceci : {1} (article 21 du RGPD).",
		"Por motivos relacionados con su situación, puede oponerse a esto: {1} (artículo 21 del RGPD)."
	},
	[JP_SAY_RIGHT_OPT_OUT] = {
		"You can say no to this at any time: {1}.",
		"Hierzu können Sie jederzeit Nein sagen: {1}.",
		"Vous pouvez dire non à ceci à tout moment : {1}.",
		"Puede decir que no a esto en cualquier momento: {1}."
	},
	[JP_SAY_RIGHT_PORT] = {
		"You can get the data that you have given us in a form that computers can read, or have it sent to somebody else. This is about: {1} (Article 20 GDPR).",
		"Sie können die Daten, die Sie uns gegeben haben, in einer Form bekommen, die Computer lesen können, oder sie jemand anderem senden lassen. Das betrifft: {1} (Art. 20 DSGVO).",
		"Vous pouvez recevoir les données que vous nous avez données sous une forme lisible par un ordinateur, ou les faire envoyer à quelqu’un d’autre. Cela concerne : {1} (article 20 du RGPD).",
		"Puede recibir los datos que nos ha dado en una forma que un ordenador pueda leer, o hacer que se envíen a otra persona. Esto se refiere a: {1} (artículo 20 del RGPD)."
	},
	[JP_SAY_NOTICE_HOW] = {
		"To use your rights, write to us: {1}",
		"Wenn Sie Ihre Rechte nutzen möchten, schreiben Sie uns: {1}",
		"Pour exercer vos droits, écrivez-nous : {1}",
		"Para ejercer sus derechos, escríbanos: {1}"
	},
	[JP_SAY_NOTICE_COMPLAIN] = {
		"If you are not happy",
		"Wenn Sie nicht zufrieden sind",
		"Si vous n’êtes pas satisfait",
		"Si no está conforme"
	},
	[JP_SAY_NOTICE_COMPLAINT] = {
		"You can complain to a data protection authority, for example where you live or work (Article 77 GDPR).",
		"Sie können sich bei einer Datenschutzbehörde beschweren, zum Beispiel dort, wo Sie wohnen oder arbeiten (Art. 77 DSGVO).",
		"Vous pouvez déposer une plainte auprès d’une autorité de protection des données, par exemple là où vous habitez ou travaillez (article 77 du RGPD).",
		"Puede reclamar ante una autoridad de protección de datos, por ejemplo donde vive o trabaja (artículo 77 del RGPD)."
	},
	[JP_SAY_NOTICE_AUTHORITY] = {
		"The authority that is responsible for us: {1}",
		"Die Behörde, die für uns zuständig ist: {1}",
		"L’autorité dont nous dépendons : {1}",
		"La autoridad que nos corresponde: {1}"
	},
	[JP_SAY_REPORT_TITLE] = {"Your data", "Ihre Daten", "Vos données", "Sus datos"},
	[JP_SAY_REPORT_HELD] = {
		"What we hold about you",
		"Was wir über Sie gespeichert haben",
		"Ce que nous avons sur vous",
		"Lo que tenemos sobre usted"
	},
	[JP_SAY_REPORT_NOTHING] = {
		"There is nothing about you in our tables.",
		"In unseren Tabellen steht nichts über Sie.",
		"Il n’y a rien sur vous dans nos tables.",
		"No hay nada sobre usted en nuestras tablas."
	},
	[JP_SAY_REPORT_IDENTITIES] = {
		"We know you by this many things, an e-mail address or a customer number for example: {1}",
		"Aus so vielen Angaben, zum Beispiel einer E-Mail-Adresse oder Kundennummer, kennen wir Sie: {1}",
		"Nombre de choses par lesquelles nous vous connaissons, par exemple une adresse électronique ou un numéro de client : {1}",
		"Número de datos por los que le conocemos, por ejemplo una dirección de correo o un número de cliente: {1}"
	},
	[JP_SAY_REPORT_RESTRICTED] = {
		"The use of your data is restricted. We keep it but use it only where the law says that we must.",
		"Die Verwendung Ihrer Daten ist eingeschränkt. Wir bewahren sie auf, verwenden sie aber nur, wo das Gesetz es verlangt.",
		"L’utilisation de vos données est limitée. Nous les gardons, mais nous ne les utilisons que là où la loi nous y oblige.",
		"El uso de sus datos está limitado. Los guardamos, pero solo los usamos cuando la ley nos obliga."
	},
	[JP_SAY_REPORT_DECISIONS] = {
		"What you have decided",
		"Was Sie entschieden haben",
		"Ce que vous avez décidé",
		"Lo que ha decidido"
	},
	[JP_SAY_REPORT_HISTORY] = {
		"All your decisions so far",
		"Alle Ihre bisherigen Entscheidungen",
		"Toutes vos décisions jusqu’ici",
		"Todas sus decisiones hasta ahora"
	},
	[JP_SAY_REPORT_USED] = {
		"Who could see your data",
		"Wer Ihre Daten sehen konnte",
		"Qui pouvait voir vos données",
		"Quién podía ver sus datos"
	},
	[JP_SAY_REPORT_USED_HOW] = {
		"Our record says who has read a table, when and for which purpose, but not which rows. So this lists those who have read tables in which data about you is held now, at a time when it could be seen for that purpose by your decisions. They need not have seen it.",
		"Unsere Aufzeichnung sagt, wer eine Tabelle wann und zu welchem Zweck gelesen hat, aber nicht, welche Zeilen. Hier steht deshalb, wer Tabellen, in denen jetzt Daten über Sie liegen, zu einer Zeit gelesen hat, als sie nach Ihren Entscheidungen für diesen Zweck zu sehen waren. Gesehen haben muss sie dabei niemand.",
		"Notre journal dit qui a lu une table, quand et à quelle fin, mais pas quelles lignes. Cette liste montre donc qui a lu des tables où se trouvent aujourd’hui des données sur vous, à un moment où vos décisions permettaient de les voir à cette fin. Cela ne veut pas dire qu’elles ont été vues.",
		"Nuestro registro dice quién ha leído una tabla, cuándo y con qué fin, pero no qué filas. Por eso esta lista muestra quién ha leído tablas en las que hay ahora datos sobre usted, en un momento en que sus decisiones permitían verlos con ese fin. Eso no significa que se hayan visto."
	},
	[JP_SAY_REPORT_USED_SINCE] = {
		"The record goes back to {1}.",
		"Die Aufzeichnung reicht bis {1} zurück.",
		"Le journal remonte au {1}.",
		"El registro se remonta al {1}."
	},
	[JP_SAY_REPORT_UNUSED] = {
		"The record shows no such use.",
		"Die Aufzeichnung zeigt keine solche Verwendung.",
		"Le journal ne montre aucune utilisation de ce genre.",
		"El registro no muestra ningún uso así."
	},
	[JP_SAY_REPORT_UNWATCHED] = {
		"At present, no record is kept of who reads the data.",
		"Zurzeit wird nicht aufgezeichnet, wer die Daten liest.",
		"Actuellement, on ne note pas qui lit les données.",
		"Actualmente no se registra quién lee los datos."
	},
	[JP_SAY_REPORT_ENTRIES] = {
		"What was done with your data alone",
		"Was allein mit Ihren Daten getan wurde",
		"Ce qui a été fait avec vos seules données",
		"Lo que se hizo solo con sus datos"
	},
	[JP_SAY_REPORT_REQUESTS] = {"Your requests", "Ihre Anträge", "Vos demandes", "Sus solicitudes"},
	[JP_SAY_REPORT_ADMIN] = {
		"administration of the database",
		"Verwaltung der Datenbank",
		"administration de la base de données",
		"administración de la base de datos"
	},
	[JP_SAY_REPORT_STAFF] = {
		"our administration",
		"unsere Verwaltung",
		"notre administration",
		"nuestra administración"
	},
	[JP_SAY_H_TABLE] = {"Data", "Daten", "Données", "Datos"},
	[JP_SAY_H_WHAT] = {"What it is", "Was das ist", "De quoi il s’agit", "Qué es"},
	[JP_SAY_H_ROWS] = {"Entries", "Einträge", "Entrées", "Entradas"},
	[JP_SAY_H_FIRST] = {"From", "Von", "Du", "Desde"},
	[JP_SAY_H_LAST] = {"To", "Bis", "Au", "Hasta"},
	[JP_SAY_H_PURPOSE] = {"Purpose", "Zweck", "Finalité", "Finalidad"},
	[JP_SAY_H_BASIS] = {"Legal basis", "Rechtsgrundlage", "Base légale", "Base jurídica"},
	[JP_SAY_H_DECISION] = {"Decision", "Entscheidung", "Décision", "Decisión"},
	[JP_SAY_H_AT] = {"When", "Wann", "Quand", "Cuándo"},
	[JP_SAY_H_UNTIL] = {"Valid until", "Gilt bis", "Valable jusqu’au", "Válida hasta"},
	[JP_SAY_H_USABLE] = {
		"May be used now",
		"Darf jetzt verwendet werden",
		"Peut servir actuellement",
		"Se puede usar ahora"
	},
	[JP_SAY_H_SOURCE] = {"Where", "Wo", "Où", "Dónde"},
	[JP_SAY_H_DOCUMENT] = {"Text shown", "Gezeigter Text", "Texte affiché", "Texto mostrado"},
	[JP_SAY_H_ROLE] = {"Who", "Wer", "Qui", "Quién"},
	[JP_SAY_H_TIMES] = {"How often", "Wie oft", "Combien de fois", "Cuántas veces"},
	[JP_SAY_H_LATEST] = {"Last time", "Zuletzt", "Dernière fois", "Última vez"},
	[JP_SAY_H_REQUEST] = {"Request", "Antrag", "Demande", "Solicitud"},
	[JP_SAY_H_LAW] = {"Law", "Gesetz", "Loi", "Ley"},
	[JP_SAY_H_STATUS] = {"State", "Stand", "État", "Estado"},
	[JP_SAY_H_RECEIVED] = {"Received", "Eingegangen", "Reçue", "Recibida"},
	[JP_SAY_H_DUE] = {"Answer due", "Antwort fällig", "Réponse due", "Respuesta prevista"},
	[JP_SAY_H_FINISHED] = {"Finished", "Erledigt", "Terminée", "Terminada"},
	[JP_SAY_H_REASON] = {"Reason", "Grund", "Motif", "Motivo"},
	[JP_SAY_GRANTED] = {"yes", "ja", "oui", "sí"},
	[JP_SAY_REFUSED] = {"no", "nein", "non", "no"},
	[JP_SAY_WITHDRAWN] = {"yes taken back", "Ja zurückgenommen", "oui retiré", "sí retirado"},
	[JP_SAY_OBJECTED] = {"objection", "Widerspruch", "opposition", "oposición"},
	[JP_SAY_RESTRICTED] = {
		"use restricted",
		"Verwendung eingeschränkt",
		"utilisation limitée",
		"uso limitado"
	},
	[JP_SAY_UNRESTRICTED] = {
		"restriction ended",
		"Einschränkung beendet",
		"limitation levée",
		"limitación terminada"
	},
	[JP_SAY_ACCESS] = {"access", "Auskunft", "accès", "acceso"},
	[JP_SAY_PORTABILITY] = {"a copy for computers", "Datenübertragung", "portabilité", "portabilidad"},
	[JP_SAY_ERASURE] = {"erasure", "Löschung", "effacement", "supresión"},
	[JP_SAY_RECTIFICATION] = {"correction", "Berichtigung", "rectification", "rectificación"},
	[JP_SAY_RESTRICTION] = {"restriction", "Einschränkung", "limitation", "limitación"},
	[JP_SAY_OBJECTION] = {"objection", "Widerspruch", "opposition", "oposición"},
	[JP_SAY_PENDING] = {"received", "eingegangen", "reçue", "recibida"},
	[JP_SAY_IN_PROGRESS] = {"in progress", "in Arbeit", "en cours", "en curso"},
	[JP_SAY_COMPLETED] = {"done", "erledigt", "terminée", "terminada"},
	[JP_SAY_REFUSED_REQUEST] = {"refused", "abgelehnt", "refusée", "denegada"},
	[JP_SAY_CANCELLED] = {"taken back", "zurückgenommen", "retirée", "retirada"},
	[JP_SAY_GDPR] = {"GDPR", "DSGVO", "RGPD", "RGPD"},
	[JP_SAY_CCPA] = {
		"CCPA (California)",
		"CCPA (Kalifornien)",
		"CCPA (Californie)",
		"CCPA (California)"
	},
	[JP_SAY_ENTRY_CONSENT] = {
		"a decision was recorded",
		"Entscheidung festgehalten",
		"une décision a été notée",
		"se anotó una decisión"
	},
	[JP_SAY_ENTRY_ERASURE] = {"erasure", "Löschung", "effacement", "supresión"},
	[JP_SAY_ENTRY_UNSEALING] = {
		"an encrypted value was read",
		"verschlüsselter Wert gelesen",
		"une valeur chiffrée a été lue",
		"se leyó un valor cifrado"
	},
	[JP_SAY_ENTRY_EXPORT] = {
		"data or a report was handed out",
		"Daten oder Bericht ausgegeben",
		"des données ou un rapport ont été remis",
		"se entregaron datos o un informe"
	},
	[JP_SAY_ENTRY_REQUEST] = {
		"work on a request",
		"Arbeit an einem Antrag",
		"traitement d’une demande",
		"trabajo en una solicitud"
	}
};
