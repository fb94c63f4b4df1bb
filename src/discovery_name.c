/*
 * discovery_name.c
 *		Names of columns and keys that say personal data, in English, German,
 *		French, Spanish, Italian and Dutch.
 *
 * A name is taken apart into words (snake_case, camelCase, hyphens), accents
 * are left out.  A term means one word or several in a row, however they are
 * written together; long ones also at the end of a compound word, as German
 * and Dutch make them.
 */
#include "pure.h"

#include "discovery_look.h"

#define NAME_MAX_BYTES	256
#define WORDS_MAX	16
#define COMPOUND_MIN	6		/* shorter terms end too many other words */

typedef struct Terms
{
	JpLook		look;
	const char *terms;			/* between spaces */
} Terms;

/* Words of a name, in lower case and ASCII, each after the one before. */
typedef struct Words
{
	char		text[NAME_MAX_BYTES];
	size_t		start[WORDS_MAX + 1];
	int			count;
} Words;

static void take_apart(const char *name, size_t len, Words *words);
static size_t plain(const char *s, size_t left, char out[2], size_t *length, bool *upper);
static void end_word(Words *words, size_t at);
static bool has_term(const Words *words, const char *term, size_t len);

static const Terms table[] = {
	{JP_LOOK_EMAIL,
		" email emailaddress mail mailaddress emailadresse mailadresse courriel adressemail correo"
		" correoelectronico posta postaelettronica indirizzoemail emailadres "},
	{JP_LOOK_PHONE,
		" phone phonenumber telephone mobile mobilenumber mobilephone cellphone msisdn fax telefon"
		" telefonnummer handy handynummer mobilnummer rufnummer portable telefono movil celular cellulare"
		" telefoon telefoonnummer mobiel mobielnummer tel gsm whatsapp "},
	{JP_LOOK_IP,
		" ip ipaddress ipaddr clientip remoteip remoteaddr ipadresse adresseip direccionip indirizzoip ipadres "},
	{JP_LOOK_MAC, " mac macaddress macaddr macadresse adressemac "},
	{JP_LOOK_CARD,
		" cardnumber creditcard creditcardnumber ccnumber ccnum kartennummer kreditkarte kreditkartennummer"
		" cartebancaire numerocarte tarjeta numerotarjeta cartadicredito creditcardnummer kaartnummer cvv cvc pan "},
	{JP_LOOK_IBAN,
		" iban bic swift bankaccount accountnumber kontonummer bankverbindung kontoverbindung comptebancaire"
		" cuentabancaria contobancario rekeningnummer bankrekening "},
	{JP_LOOK_NATIONAL_ID,
		" ssn socialsecurity socialsecuritynumber nationalid nationalinsurance nino taxid taxnumber passport"
		" passportnumber driverlicense drivinglicence idcard steuerid steuernummer steueridentifikationsnummer"
		" sozialversicherungsnummer personalausweis ausweisnummer reisepass fuehrerschein nir numerosecu"
		" securitesociale passeport permisconduire dni nie nif curp pasaporte seguridadsocial codicefiscale"
		" passaporto bsn burgerservicenummer sofinummer paspoort rijbewijs pesel cpf ahv "},
	{JP_LOOK_BIRTH_DATE,
		" dob birthdate birthday dateofbirth birthyear yearofbirth born geburtsdatum geburtstag gebdatum"
		" geburtsjahr datenaissance naissance fechanacimiento fechadenacimiento nacimiento datanascita"
		" datadinascita nascita geboortedatum geboortejaar age alter edad "},
	{JP_LOOK_PERSON_NAME,
		" firstname lastname surname fullname givenname familyname middlename maidenname forename nickname"
		" personname customername contactname vorname nachname familienname geburtsname kundenname prenom"
		" nomfamille nomdefamille nomcomplet nombre apellido apellidos nombrecompleto nome cognome nomecompleto"
		" voornaam achternaam tussenvoegsel familienaam naam "},
	{JP_LOOK_ADDRESS,
		" address addressline street streetaddress postcode zip zipcode postalcode housenumber anschrift adresse"
		" strasse hausnummer plz postleitzahl wohnort rue codepostal domicile direccion calle codigopostal"
		" domicilio indirizzo cap via adres straat huisnummer woonplaats city town ort ville ciudad citta "},
	{JP_LOOK_LOCATION,
		" lat lon lng latitude longitude geo geolocation geopoint gps coordinates position location breitengrad"
		" laengengrad standort localisation ubicacion latitud longitud posizione latitudine longitudine locatie "},
	{JP_LOOK_DEVICE,
		" deviceid device idfa idfv gaid aaid advertisingid imei imsi androidid androiduuid installid pushtoken"
		" fingerprint useragent cookieid visitorid geraetekennung geraeteid hardwareid mpid "},
	{JP_LOOK_ACCOUNT,
		" username userlogin login loginname screenname account customerid userid customernumber benutzername"
		" benutzer kundennummer kundenid nutzername utilisateur nomutilisateur idclient numeroclient usuario"
		" nombreusuario idcliente utente nomeutente gebruikersnaam klantnummer memberid patientid personid "},
	{JP_LOOK_SECRET,
		" password passwd pwd passwordhash secret apikey accesstoken refreshtoken pin passwort kennwort motdepasse"
		" contrasena contrasenya wachtwoord securityanswer "},
	{JP_LOOK_GENDER, " gender sex geschlecht anrede salutation sexe genre genero sexo genere sesso geslacht "},
	{JP_LOOK_SPECIAL,
		" religion ethnicity race health diagnosis disease disability politicalparty tradeunion sexualorientation"
		" bloodtype biometric konfession gesundheit krankheit behinderung gewerkschaft ethnie sante maladie"
		" handicap syndicat salud enfermedad discapacidad salute malattia disabilita religione geloof"
		" gezondheid ziekte "},
};

/* Bits of what a name says. */
uint32
jp_name_says(const char *name, size_t len)
{
	Words		words;
	uint32		looks = 0;
	size_t		i;

	take_apart(name, len, &words);
	for (i = 0; i < sizeof(table) / sizeof(table[0]); i++)
	{
		const char *term = table[i].terms + 1;
		const char *end;

		for (; (end = strchr(term, ' ')) != NULL; term = end + 1)
			if (has_term(&words, term, end - term))
			{
				looks |= JP_LOOK_BIT(table[i].look);
				break;
			}
	}
	/* an e-mail address and an IP address are no postal ones */
	if (looks & (JP_LOOK_BIT(JP_LOOK_EMAIL) | JP_LOOK_BIT(JP_LOOK_IP) | JP_LOOK_BIT(JP_LOOK_MAC)))
		looks &= ~JP_LOOK_BIT(JP_LOOK_ADDRESS);
	return looks;
}

/* Words of a name; what is too long is left off. */
static void
take_apart(const char *name, size_t len, Words *words)
{
	size_t		used = 0;
	bool		was_lower = false;
	bool		was_digit = false;
	size_t		i = 0;

	words->count = 0;
	words->start[0] = 0;
	while (i < len && used + 2 < sizeof(words->text))
	{
		char		out[2];
		size_t		length;
		bool		upper;
		bool		digit;

		i += plain(name + i, len - i, out, &length, &upper);
		digit = length == 1 && out[0] >= '0' && out[0] <= '9';
		if (length == 0 || (upper && was_lower) || digit != was_digit)
			end_word(words, used);
		was_digit = digit;
		was_lower = length > 0 && !upper && !digit;
		memcpy(words->text + used, out, length);
		used += length;
	}
	end_word(words, used);
}

/* Ends a word, unless it is empty or there are too many. */
static void
end_word(Words *words, size_t at)
{
	if (words->count < WORDS_MAX && at > words->start[words->count])
		words->start[++words->count] = at;
}

/*
 * One character without case and accent; none for what separates words.
 * Returns how many bytes it took.
 */
static size_t
plain(const char *s, size_t left, char out[2], size_t *length, bool *upper)
{
	/* U+00C0 to U+00FF, in lower case */
	static const char latin[] =
		"aaaaaaaceeeeiiiidnooooo ouuuuy saaaaaaaceeeeiiiidnooooo ouuuuy y";
	unsigned char c = (unsigned char) s[0];

	*upper = c >= 'A' && c <= 'Z';
	*length = 1;
	if (*upper || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9'))
	{
		out[0] = *upper ? c | 0x20 : c;
		return 1;
	}
	if (c == 0xC3 && left > 1 && (unsigned char) s[1] >= 0x80 && (unsigned char) s[1] <= 0xBF)
	{
		unsigned char low = (unsigned char) s[1] & 0x3F;

		out[0] = latin[low];
		*upper = low < 0x1F;
		if (low == 0x1F)		/* sharp s */
			out[(*length)++] = 's';
		if (out[0] == ' ')
			*length = 0;
		return 2;
	}
	*length = 0;
	return 1;
}

/* Whether a term is some words in a row, or ends a compound. */
static bool
has_term(const Words *words, const char *term, size_t len)
{
	int			i;
	int			j;

	for (i = 0; i < words->count; i++)
		for (j = i + 1; j <= words->count; j++)
		{
			size_t		from = words->start[i];
			size_t		size = words->start[j] - from;

			if (size == len && memcmp(words->text + from, term, len) == 0)
				return true;
			if (j == i + 1 && len >= COMPOUND_MIN && size > len &&
				memcmp(words->text + from + size - len, term, len) == 0)
				return true;
		}
	return false;
}
