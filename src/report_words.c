/*
 * report_words.c
 *		What the page says, by language: English, German, French, Spanish, in
 *		the order of picture_words.c.
 *
 * Words are markup: no character in them is special to HTML.
 */
#include "postgres.h"

#include "report.h"

#define LANGUAGES	4

static const char *const words[JP_REPORT_WORDS][LANGUAGES] = {
	[JP_REPORT_TITLE] = {"Privacy report", "Datenschutzbericht", "Rapport de protection des données", "Informe de privacidad"},
	[JP_REPORT_SKIP] = {"Skip to the content", "Zum Inhalt springen", "Aller au contenu", "Ir al contenido"},
	[JP_REPORT_SECTIONS] = {"Sections", "Abschnitte", "Sections", "Secciones"},
	[JP_REPORT_DATABASE] = {"Database", "Datenbank", "Base de données", "Base de datos"},
	[JP_REPORT_MADE] = {"As of", "Stand", "État au", "Estado a"},
	[JP_REPORT_FOOTER] = {"Made by journey_privacy inside PostgreSQL. No person can be told from this page: figures of too few people are not shown. The page loads nothing and runs no script.",
		"Erstellt von journey_privacy in PostgreSQL. Aus dieser Seite lässt sich niemand erkennen: Zahlen über zu wenige Personen werden nicht gezeigt. Die Seite lädt nichts nach und führt kein Skript aus.",
		"Établi par journey_privacy dans PostgreSQL. Cette page ne permet de reconnaître personne : les chiffres portant sur trop peu de personnes ne sont pas montrés. La page ne charge rien et n’exécute aucun script.",
	"Elaborado por journey_privacy en PostgreSQL. Esta página no permite reconocer a nadie: no se muestran cifras sobre muy pocas personas. La página no carga nada ni ejecuta ningún script."},
	[JP_REPORT_STATE_BAD] = {"Action is needed now", "Es ist sofort zu handeln", "Il faut agir maintenant", "Hay que actuar ya"},
	[JP_REPORT_STATE_WARN] = {"Protected, with points to attend to", "Geschützt, mit offenen Punkten", "Protégé, avec des points à traiter", "Protegido, con puntos por atender"},
	[JP_REPORT_STATE_GOOD] = {"Everything is in order", "Alles ist in Ordnung", "Tout est en ordre", "Todo está en orden"},
	[JP_REPORT_CRITICALS] = {"critical findings", "kritische Befunde", "constats critiques", "hallazgos críticos"},
	[JP_REPORT_WARNINGS] = {"warnings", "Warnungen", "avertissements", "advertencias"},
	[JP_REPORT_ADVICES] = {"pieces of advice", "Hinweise", "conseils", "consejos"},
	[JP_REPORT_OVERDUES] = {"overdue requests", "überfällige Anträge", "demandes en retard", "solicitudes vencidas"},
	[JP_REPORT_FIGURES] = {"Key figures", "Kennzahlen", "Chiffres clés", "Cifras clave"},
	[JP_REPORT_SUBJECTS] = {"People known", "Bekannte Personen", "Personnes connues", "Personas conocidas"},
	[JP_REPORT_SUBJECTS_NOTE] = {"under pseudonyms only", "nur unter Pseudonymen", "sous pseudonyme seulement", "solo con seudónimo"},
	[JP_REPORT_TABLES] = {"Protected tables", "Geschützte Tabellen", "Tables protégées", "Tablas protegidas"},
	[JP_REPORT_TABLES_GOOD] = {"all in order", "alle in Ordnung", "toutes en ordre", "todas en orden"},
	[JP_REPORT_TABLES_BAD] = {"not in order: %s", "nicht in Ordnung: %s", "pas en ordre : %s", "no en orden: %s"},
	[JP_REPORT_DECISIONS] = {"Decisions in 30 days", "Entscheidungen in 30 Tagen", "Décisions en 30 jours", "Decisiones en 30 días"},
	[JP_REPORT_DECISIONS_NOTE] = {"in all: %s", "insgesamt: %s", "en tout : %s", "en total: %s"},
	[JP_REPORT_OPEN] = {"Open requests", "Offene Anträge", "Demandes ouvertes", "Solicitudes abiertas"},
	[JP_REPORT_NEXT] = {"nearest deadline: %s", "nächste Frist: %s", "prochaine échéance : %s", "próximo plazo: %s"},
	[JP_REPORT_NO_NEXT] = {"no deadline ahead", "keine Frist läuft", "aucune échéance", "sin plazos pendientes"},
	[JP_REPORT_ERASED] = {"Erasures done", "Erledigte Löschungen", "Effacements achevés", "Supresiones hechas"},
	[JP_REPORT_ERASED_NOTE] = {"under way: %s, withheld: %s", "laufend: %s, zurückgehalten: %s", "en cours : %s, retenus : %s", "en curso: %s, retenidas: %s"},
	[JP_REPORT_ENTRIES] = {"Audit entries", "Protokolleinträge", "Entrées du journal", "Entradas del registro"},
	[JP_REPORT_SIGNED] = {"last signed %s", "zuletzt signiert %s", "dernière signature %s", "última firma %s"},
	[JP_REPORT_UNSIGNED] = {"not signed yet", "noch nicht signiert", "pas encore signé", "aún sin firmar"},
	[JP_REPORT_FINDINGS] = {"Findings", "Befunde", "Constats", "Hallazgos"},
	[JP_REPORT_FINDINGS_NOTE] = {"What doctor() found when this page was made, the gravest first, and what mends it.",
		"Was doctor() beim Erstellen dieser Seite fand, das Schwerste zuerst, und was es behebt. Die Befunde sind englisch.",
		"Ce que doctor() a constaté lors de l’établissement de cette page, le plus grave d’abord, et ce qui y remédie. Les constats sont en anglais.",
	"Lo que doctor() halló al hacer esta página, lo más grave primero, y lo que lo remedia. Los hallazgos están en inglés."},
	[JP_REPORT_NO_FINDINGS] = {"Nothing was found that needs mending.", "Es wurde nichts gefunden, was zu beheben wäre.", "Rien à corriger n’a été constaté.", "No se halló nada que haya que remediar."},
	[JP_REPORT_SEVERITY] = {"Severity", "Schwere", "Gravité", "Gravedad"},
	[JP_REPORT_FINDING] = {"Finding", "Befund", "Constat", "Hallazgo"},
	[JP_REPORT_MEND] = {"What mends it", "Was es behebt", "Ce qui y remédie", "Lo que lo remedia"},
	[JP_REPORT_ADVICE_TOO] = {"What could be better", "Was besser sein könnte", "Ce qui pourrait être mieux", "Lo que podría mejorar"},
	[JP_REPORT_REQUESTS] = {"Requests and deadlines", "Anträge und Fristen", "Demandes et échéances", "Solicitudes y plazos"},
	[JP_REPORT_REQUESTS_NOTE] = {"Requests of people who use their rights, by kind.", "Anträge von Personen, die ihre Rechte wahrnehmen, nach Art.",
	"Demandes des personnes qui exercent leurs droits, par type.", "Solicitudes de personas que ejercen sus derechos, por tipo."},
	[JP_REPORT_NO_REQUESTS] = {"No request has been received.", "Es ist kein Antrag eingegangen.", "Aucune demande n’a été reçue.", "No se ha recibido ninguna solicitud."},
	[JP_REPORT_KIND] = {"Kind", "Art", "Type", "Tipo"},
	[JP_REPORT_PENDING] = {"Pending", "Anstehend", "En attente", "Pendientes"},
	[JP_REPORT_IN_PROGRESS] = {"In progress", "In Arbeit", "En cours", "En curso"},
	[JP_REPORT_OVERDUE] = {"Overdue", "Überfällig", "En retard", "Vencidas"},
	[JP_REPORT_DEADLINE] = {"Nearest deadline", "Nächste Frist", "Prochaine échéance", "Próximo plazo"},
	[JP_REPORT_COMPLETED] = {"Completed", "Erledigt", "Achevées", "Completadas"},
	[JP_REPORT_REFUSED] = {"Refused", "Abgelehnt", "Refusées", "Rechazadas"},
	[JP_REPORT_CANCELLED] = {"Cancelled", "Zurückgezogen", "Annulées", "Canceladas"},
	[JP_REPORT_CONSENT] = {"Purposes and consent", "Zwecke und Einwilligung", "Finalités et consentement", "Fines y consentimiento"},
	[JP_REPORT_CONSENT_NOTE] = {"Decisions in force. “Too few” stands for fewer people than may be told, and for what would give such a number away.",
		"Geltende Entscheidungen. „Zu wenige“ steht für weniger Personen, als genannt werden dürfen, und für das, woraus man ihre Zahl errechnen könnte.",
		"Décisions en vigueur. « Trop peu » remplace un nombre de personnes trop petit pour être dit, et ce qui permettrait de le calculer.",
	"Decisiones vigentes. «Muy pocas» sustituye un número de personas demasiado pequeño para decirlo, y lo que permitiría calcularlo."},
	[JP_REPORT_NO_PURPOSES] = {"There is no purpose.", "Es gibt keinen Zweck.", "Il n’y a aucune finalité.", "No hay ningún fin."},
	[JP_REPORT_PURPOSE] = {"Purpose", "Zweck", "Finalité", "Fin"},
	[JP_REPORT_MEANING] = {"What for", "Wofür", "Pour quoi", "Para qué"},
	[JP_REPORT_BASIS] = {"Legal basis", "Rechtsgrundlage", "Base légale", "Base jurídica"},
	[JP_REPORT_YES] = {"Yes", "Ja", "Oui", "Sí"},
	[JP_REPORT_NO] = {"No", "Nein", "Non", "No"},
	[JP_REPORT_EXPIRED] = {"Expired", "Abgelaufen", "Expirés", "Caducados"},
	[JP_REPORT_SILENT] = {"Undecided", "Unentschieden", "Sans décision", "Sin decidir"},
	[JP_REPORT_SEEN] = {"May be seen", "Dürfen gesehen werden", "Peuvent être vues", "Pueden verse"},
	[JP_REPORT_ROLES] = {"Roles", "Rollen", "Rôles", "Roles"},
	[JP_REPORT_PROTECTED] = {"Protected tables", "Geschützte Tabellen", "Tables protégées", "Tablas protegidas"},
	[JP_REPORT_PROTECTED_NOTE] = {"The database itself lets nobody see rows of people who did not agree. “In order”: row security, policies, triggers and partitions are as protect() made them.",
		"Die Datenbank selbst lässt niemanden Zeilen von Personen sehen, die nicht zugestimmt haben. „In Ordnung“: Zeilensicherheit, Regeln, Trigger und Partitionen sind so, wie protect() sie angelegt hat.",
		"La base elle-même ne laisse voir à personne les lignes de ceux qui n’ont pas accepté. « En ordre » : sécurité des lignes, règles, déclencheurs et partitions sont tels que protect() les a faits.",
	"La propia base de datos no deja ver a nadie las filas de quienes no aceptaron. «En orden»: la seguridad de filas, las políticas, los disparadores y las particiones son como los hizo protect()."},
	[JP_REPORT_NO_TABLES] = {"No table is protected.", "Keine Tabelle ist geschützt.", "Aucune table n’est protégée.", "Ninguna tabla está protegida."},
	[JP_REPORT_TABLE] = {"Table", "Tabelle", "Table", "Tabla"},
	[JP_REPORT_ROWS] = {"Rows (estimate)", "Zeilen (geschätzt)", "Lignes (estimation)", "Filas (estimación)"},
	[JP_REPORT_KEPT] = {"Kept for", "Aufbewahrt", "Conservée", "Se conserva"},
	[JP_REPORT_PURPOSES] = {"Collected for", "Erhoben für", "Collectée pour", "Recogida para"},
	[JP_REPORT_ON_ERASE] = {"On erasure", "Bei Löschung", "À l’effacement", "Al suprimir"},
	[JP_REPORT_PURGED] = {"Last purged", "Zuletzt bereinigt", "Dernière purge", "Última purga"},
	[JP_REPORT_IN_ORDER] = {"Protection", "Schutz", "Protection", "Protección"},
	[JP_REPORT_ERASURES] = {"Erasures", "Löschungen", "Effacements", "Supresiones"},
	[JP_REPORT_ERASURES_NOTE] = {"Erasures by the level that each has reached; every one has a signed receipt.", "Löschungen nach der Stufe, die jede erreicht hat; zu jeder gibt es einen signierten Beleg.",
	"Effacements par niveau atteint ; chacun a un reçu signé.", "Supresiones por el nivel que cada una ha alcanzado; cada una tiene un recibo firmado."},
	[JP_REPORT_NO_ERASURES] = {"Nobody has been erased.", "Es wurde niemand gelöscht.", "Personne n’a été effacé.", "No se ha suprimido a nadie."},
	[JP_REPORT_LEVEL] = {"Level", "Stufe", "Niveau", "Nivel"},
	[JP_REPORT_LEVEL_MEANS] = {"What that means", "Was das heißt", "Ce que cela signifie", "Qué significa"},
	[JP_REPORT_REQUESTS_DONE] = {"Erasures", "Löschungen", "Effacements", "Supresiones"},
	[JP_REPORT_PEOPLE] = {"People", "Personen", "Personnes", "Personas"},
	[JP_REPORT_LATEST] = {"Latest", "Zuletzt", "Le dernier", "La última"},
	[JP_REPORT_HOLDS] = {"Holds: reasons not to erase yet", "Aufschübe: Gründe, noch nicht zu löschen", "Suspensions : raisons de ne pas encore effacer", "Retenciones: motivos para no suprimir aún"},
	[JP_REPORT_NO_HOLDS] = {"Nothing is held.", "Nichts wird aufgehoben.", "Rien n’est retenu.", "No hay retenciones."},
	[JP_REPORT_HELD] = {"What is held", "Was gehalten wird", "Ce qui est retenu", "Qué se retiene"},
	[JP_REPORT_UNTIL] = {"Longest until", "Längstens bis", "Au plus tard", "A más tardar"},
	[JP_REPORT_COUNT] = {"Holds", "Aufschübe", "Suspensions", "Retenciones"},
	[JP_REPORT_AUDIT] = {"Audit", "Protokoll", "Journal d’audit", "Registro de auditoría"},
	[JP_REPORT_AUDIT_NOTE] = {"Every use of protected data is written down so that nobody can change it unnoticed. Keep the checkpoint outside of the database: verify_audit() compares with it.",
		"Jede Verwendung geschützter Daten wird so festgehalten, dass niemand es unbemerkt ändern kann. Bewahren Sie den Prüfpunkt außerhalb der Datenbank auf: verify_audit() vergleicht damit.",
		"Chaque usage de données protégées est consigné de sorte que personne ne puisse le changer sans que cela se voie. Gardez le point de contrôle hors de la base : verify_audit() compare avec lui.",
	"Cada uso de datos protegidos se anota de modo que nadie pueda cambiarlo sin que se note. Guarde el punto de control fuera de la base de datos: verify_audit() compara con él."},
	[JP_REPORT_FACTS] = {"State of the audit", "Stand des Protokolls", "État du journal", "Estado del registro"},
	[JP_REPORT_FACT] = {"Fact", "Angabe", "Fait", "Dato"},
	[JP_REPORT_VALUE] = {"Value", "Wert", "Valeur", "Valor"},
	[JP_REPORT_CHECKPOINT] = {"Latest checkpoint", "Letzter Prüfpunkt", "Dernier point de contrôle", "Último punto de control"},
	[JP_REPORT_NO_CHECKPOINT] = {"There is no checkpoint yet.", "Es gibt noch keinen Prüfpunkt.", "Il n’y a pas encore de point de contrôle.", "Aún no hay ningún punto de control."},
	[JP_REPORT_MAP] = {"Journey map", "Wege der Menschen", "Carte des parcours", "Mapa de recorridos"},
	[JP_REPORT_MAP_NOTE] = {"Where people go, step by step: only those who may be seen for the purpose that was set, and no group smaller than it allows.",
		"Wohin Menschen gehen, Schritt für Schritt: nur die, die für den gesetzten Zweck gesehen werden dürfen, und keine Gruppe, die kleiner ist, als er erlaubt.",
		"Où vont les gens, pas à pas : seulement ceux qui peuvent être vus pour la finalité choisie, et aucun groupe plus petit qu’elle ne le permet.",
	"Adónde va la gente, paso a paso: solo quienes pueden verse para el fin elegido, y ningún grupo menor de lo que este permite."},
	[JP_REPORT_MAP_REFUSED] = {"The map is not shown: whoever made this page may not see the table, or had set no purpose for it.",
		"Die Karte wird nicht gezeigt: Wer diese Seite erstellt hat, darf die Tabelle nicht sehen oder hatte keinen Zweck dafür gesetzt.",
		"La carte n’est pas montrée : qui a établi cette page ne peut pas voir la table, ou n’avait pas choisi de finalité.",
	"El mapa no se muestra: quien hizo esta página no puede ver la tabla, o no había elegido un fin."},
	[JP_REPORT_GOOD] = {"in order", "in Ordnung", "en ordre", "en orden"},
	[JP_REPORT_BAD] = {"broken", "gestört", "défaillante", "dañada"},
	[JP_REPORT_FEW] = {"too few", "zu wenige", "trop peu", "muy pocas"},
	[JP_REPORT_TODAY] = {"today", "heute", "aujourd’hui", "hoy"},
	[JP_REPORT_IN_DAY] = {"in %s day", "in %s Tag", "dans %s jour", "en %s día"},
	[JP_REPORT_IN_DAYS] = {"in %s days", "in %s Tagen", "dans %s jours", "en %s días"},
	[JP_REPORT_LATE_DAY] = {"%s day overdue", "seit %s Tag überfällig", "en retard de %s jour", "vencido hace %s día"},
	[JP_REPORT_LATE_DAYS] = {"%s days overdue", "seit %s Tagen überfällig", "en retard de %s jours", "vencido hace %s días"},
	[JP_REPORT_NEVER] = {"never", "nie", "jamais", "nunca"},
	[JP_REPORT_YEAR] = {"%s year", "%s Jahr", "%s an", "%s año"},
	[JP_REPORT_YEARS] = {"%s years", "%s Jahre", "%s ans", "%s años"},
	[JP_REPORT_MONTH] = {"%s month", "%s Monat", "%s mois", "%s mes"},
	[JP_REPORT_MONTHS] = {"%s months", "%s Monate", "%s mois", "%s meses"},
	[JP_REPORT_DAY] = {"%s day", "%s Tag", "%s jour", "%s día"},
	[JP_REPORT_DAYS] = {"%s days", "%s Tage", "%s jours", "%s días"},
};

/* What our tables call things, and what people do. */
static const struct
{
	const char *code;
	const char *said[LANGUAGES];
} codes[] = {
	{"critical", {"critical", "kritisch", "critique", "crítico"}},
	{"warning", {"warning", "Warnung", "avertissement", "advertencia"}},
	{"advice", {"advice", "Hinweis", "conseil", "consejo"}},
	{"consent", {"consent", "Einwilligung", "consentement", "consentimiento"}},
	{"opt_out", {"opt-out", "Widerspruch möglich (Opt-out)", "option de refus", "exclusión voluntaria"}},
	{"contract", {"contract", "Vertrag", "contrat", "contrato"}},
	{"legal_obligation", {"legal obligation", "rechtliche Verpflichtung", "obligation légale", "obligación legal"}},
	{"vital_interests", {"vital interests", "lebenswichtige Interessen", "intérêts vitaux", "intereses vitales"}},
	{"public_task", {"public task", "öffentliche Aufgabe", "mission publique", "misión pública"}},
	{"legitimate_interests", {"legitimate interests", "berechtigte Interessen", "intérêts légitimes", "intereses legítimos"}},
	{"access", {"access", "Auskunft", "accès", "acceso"}},
	{"portability", {"portability", "Datenübertragung", "portabilité", "portabilidad"}},
	{"erasure", {"erasure", "Löschung", "effacement", "supresión"}},
	{"rectification", {"rectification", "Berichtigung", "rectification", "rectificación"}},
	{"restriction", {"restriction", "Einschränkung", "limitation", "limitación"}},
	{"objection", {"objection", "Widerspruch", "opposition", "oposición"}},
	{"delete", {"deleted", "gelöscht", "supprimée", "se borra"}},
	{"redact", {"redacted", "geschwärzt", "caviardée", "se expurga"}},
	{"shared", {"shared rows", "geteilte Zeilen", "lignes partagées", "filas compartidas"}},
	{"L0", {"invisible, but withheld from erasure", "unsichtbar, Löschung zurückgehalten", "invisible, effacement retenu", "invisible, supresión retenida"}},
	{"L1", {"rows deleted, looked for again, not found", "Zeilen gelöscht, noch einmal gesucht, nicht gefunden", "lignes supprimées, recherchées de nouveau, introuvables", "filas borradas, buscadas de nuevo, no halladas"}},
	{"L2", {"rows deleted, their bytes overwritten in the tables", "Zeilen gelöscht, ihre Bytes in den Tabellen überschrieben", "lignes supprimées, leurs octets écrasés dans les tables", "filas borradas, sus bytes sobrescritos en las tablas"}},
	{"L3", {"rows deleted and overwritten, gone from indexes, statistics and materialized views", "Zeilen gelöscht und überschrieben, fort aus Indexen, Statistiken und materialisierten Sichten", "lignes supprimées et écrasées, absentes des index, statistiques et vues matérialisées", "filas borradas y sobrescritas, fuera de índices, estadísticas y vistas materializadas"}},
	{"people", {"people", "Personen", "personnes", "personas"}},
	{"everybody", {"everybody in it", "alle darin", "toutes les personnes", "todas las personas"}},
	{"log", {"Name of the log", "Name des Protokolls", "Nom du journal", "Nombre del registro"}},
	{"entries", {"Entries", "Einträge", "Entrées", "Entradas"}},
	{"signed", {"Signed up to entry", "Signiert bis Eintrag", "Signé jusqu’à l’entrée", "Firmado hasta la entrada"}},
	{"made", {"Latest checkpoint made", "Letzter Prüfpunkt", "Dernier point de contrôle", "Último punto de control"}},
	{"verified", {"Last verified as a whole", "Zuletzt ganz geprüft", "Dernière vérification complète", "Última verificación completa"}},
	{"outside", {"Against a checkpoint kept outside", "Gegen einen auswärts aufbewahrten Prüfpunkt", "Contre un point de contrôle gardé ailleurs", "Contra un punto de control guardado fuera"}},
	{"worker", {"Sealing worker", "Siegelprozess", "Processus de scellement", "Proceso de sellado"}},
	{"waiting", {"Bytes waiting to be sealed", "Bytes, die auf Siegelung warten", "Octets en attente de scellement", "Bytes en espera de sellado"}},
	{"runs", {"runs", "läuft", "en marche", "en marcha"}},
	{"stopped", {"does not run", "läuft nicht", "arrêté", "parado"}},
	{"never", {"never", "nie", "jamais", "nunca"}},
	{"yes", {"yes", "ja", "oui", "sí"}},
	{"no", {"no", "nein", "non", "no"}},
	{"for good", {"no end set", "ohne Ende", "sans fin fixée", "sin fin fijado"}},
	{"any", {"any", "alle", "toutes", "todos"}},
	{"by purposes", {"as purposes say", "nach den Zwecken", "selon les finalités", "según los fines"}},
};

/* A word. */
const char *
jp_report_word(const JpReport *report, JpReportWord word)
{
	return words[word][report->plain.language];
}

/* A code in words. */
const char *
jp_report_code(const JpReport *report, const char *code)
{
	int			i;

	for (i = 0; i < lengthof(codes); i++)
		if (strcmp(codes[i].code, code) == 0)
			return codes[i].said[report->plain.language];
	return NULL;
}
