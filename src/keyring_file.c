/*
 * keyring_file.c
 *		The keyring in a file.
 *
 * The file must be one that only the server's user can reach and that does
 * not travel with backups: not inside the data directory, the WAL directory
 * or a tablespace, by whatever symbolic links it is named.  Messages for
 * users carry no path; the server log does.
 */
#include "postgres.h"

#include <fcntl.h>
#include <limits.h>
#include <sys/stat.h>
#include <unistd.h>

#include "miscadmin.h"
#include "storage/fd.h"

#include "journey_privacy.h"
#include "keyring_internal.h"

#define PERMISSION_HINT \
	"Make the keyring a regular file of mode 0600 that belongs to the server's user."
#define PLACE_HINT \
	"Set journey_privacy.keyring_file to an absolute path outside the data directory and every tablespace: a keyring inside would travel with every backup."

static bool fetch_file(char *chars, size_t size, size_t *len);
static bool create_file(const char *chars, size_t len);
static void replace_file(const char *chars, size_t len);
static bool resolve(char *real);
static void resolve_new(char *real);
static void refuse_data_directory(const char *real);
static void refuse_tablespaces(const char *real);
static void refuse_inside(const char *real, const char *directory);
static void check_file(int fd);
static size_t read_all(int fd, char *chars, size_t size);
static void write_new(const char *real, const char *chars, size_t len);
static bool write_all(int fd, const char *chars, size_t len);
static void wipe_file(int fd);
static void sync_directory(const char *real);
pg_noreturn static void refuse(const char *fact, const char *hint);
pg_noreturn static void fail(const char *fact);

const JpKeyProvider jp_key_file = {fetch_file, create_file, replace_file};

/* Reads the file. */
static bool
fetch_file(char *chars, size_t size, size_t *len)
{
	char		real[MAXPGPATH];
	int			fd;

	if (!resolve(real))
		return false;
	fd = OpenTransientFile(real, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0 && errno == ENOENT)
		return false;
	if (fd < 0)
		fail("cannot be opened");
	check_file(fd);
	*len = read_all(fd, chars, size);
	CloseTransientFile(fd);
	return true;
}

/* Makes the file. */
static bool
create_file(const char *chars, size_t len)
{
	char		real[MAXPGPATH];
	struct stat status;

	resolve_new(real);
	if (lstat(real, &status) == 0)
		return false;
	write_new(real, chars, len);
	sync_directory(real);
	return true;
}

/*
 * Puts a new file in the place of the old, and only then overwrites the old
 * one's bytes: at every moment one of the two is whole.
 */
static void
replace_file(const char *chars, size_t len)
{
	char		real[MAXPGPATH];
	char		fresh[MAXPGPATH];
	int			fd;

	if (!resolve(real) || strlen(real) + 5 > MAXPGPATH)
		fail("cannot be replaced");
	fd = OpenTransientFile(real, O_RDWR | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		fail("cannot be opened");
	check_file(fd);
	snprintf(fresh, sizeof(fresh), "%s.new", real);
	(void) unlink(fresh);
	write_new(fresh, chars, len);
	if (rename(fresh, real) != 0)
	{
		(void) unlink(fresh);
		fail("cannot be replaced");
	}
	sync_directory(real);
	wipe_file(fd);
	CloseTransientFile(fd);
}

/* Real path of the file; false when there is no file. */
static bool
resolve(char *real)
{
	char		found[PATH_MAX];

	if (!is_absolute_path(jp_setting_keyring_file))
		refuse("is not named by an absolute path", PLACE_HINT);
	if (realpath(jp_setting_keyring_file, found) == NULL)
	{
		if (errno == ENOENT || errno == ENOTDIR)
			return false;
		fail("cannot be found");
	}
	if (strlcpy(real, found, MAXPGPATH) >= MAXPGPATH)
		refuse("has too long a path", PLACE_HINT);
	refuse_data_directory(real);
	return true;
}

/* Real path that a file about to be made will have. */
static void
resolve_new(char *real)
{
	char		directory[MAXPGPATH];
	char		found[PATH_MAX];
	const char *name = last_dir_separator(jp_setting_keyring_file);

	if (!is_absolute_path(jp_setting_keyring_file))
		refuse("is not named by an absolute path", PLACE_HINT);
	if (strlcpy(directory, jp_setting_keyring_file, MAXPGPATH) >= MAXPGPATH)
		refuse("has too long a path", PLACE_HINT);
	get_parent_directory(directory);
	if (realpath(directory, found) == NULL)
		fail("has no directory to lie in");
	if (snprintf(real, MAXPGPATH, "%s%s", found, name) >= MAXPGPATH)
		refuse("has too long a path", PLACE_HINT);
	refuse_data_directory(real);
}

/* Refuses what backups of this cluster would carry. */
static void
refuse_data_directory(const char *real)
{
	char		found[PATH_MAX];

	if (realpath(DataDir, found) == NULL)
		fail("cannot be compared with the data directory");
	refuse_inside(real, found);
	if (realpath("pg_wal", found) != NULL)
		refuse_inside(real, found);
	refuse_tablespaces(real);
}

/* Refuses what lies in a tablespace. */
static void
refuse_tablespaces(const char *real)
{
	DIR		   *dir = AllocateDir("pg_tblspc");
	struct dirent *entry;

	while ((entry = ReadDir(dir, "pg_tblspc")) != NULL)
	{
		char		link[MAXPGPATH];
		char		found[PATH_MAX];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(link, sizeof(link), "pg_tblspc/%s", entry->d_name);
		if (realpath(link, found) != NULL)
			refuse_inside(real, found);
	}
	FreeDir(dir);
}

/* Refuses a path inside a directory, both real. */
static void
refuse_inside(const char *real, const char *directory)
{
	if (path_is_prefix_of_path(directory, real))
		refuse("lies inside the data directory or a tablespace", PLACE_HINT);
}

/* Refuses a file that others could read or change. */
static void
check_file(int fd)
{
	struct stat status;

	if (fstat(fd, &status) != 0)
		fail("cannot be examined");
	if (!S_ISREG(status.st_mode))
		refuse("is not a regular file", PERMISSION_HINT);
	if (status.st_uid != geteuid())
		refuse("belongs to another user", PERMISSION_HINT);
	if ((status.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		refuse("can be reached by group or others", PERMISSION_HINT);
	if (status.st_nlink > 1)
		refuse("has another name", "Remove the other hard links to the keyring: through one of them it could travel with backups.");
}

/* Reads to the end. */
static size_t
read_all(int fd, char *chars, size_t size)
{
	size_t		len = 0;

	for (;;)
	{
		ssize_t		got = read(fd, chars + len, size - len);

		if (got < 0 && errno == EINTR)
			continue;
		if (got < 0)
			fail("cannot be read");
		if (got == 0)
			return len;
		len += got;
		if (len == size)
			refuse("is too long", "A keyring holds one line for each key and a few comments.");
	}
}

/* Makes a file that is complete on disk or not there. */
static void
write_new(const char *real, const char *chars, size_t len)
{
	int			fd;
	bool		done;

	fd = OpenTransientFilePerm(real, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC,
							   S_IRUSR | S_IWUSR);
	if (fd < 0)
		fail("cannot be made");
	done = write_all(fd, chars, len) && pg_fsync(fd) == 0;
	if (CloseTransientFile(fd) != 0)
		done = false;
	if (!done)
	{
		int			save_errno = errno;

		(void) unlink(real);
		errno = save_errno;
		fail("cannot be written");
	}
}

/* Writes a text whole. */
static bool
write_all(int fd, const char *chars, size_t len)
{
	while (len > 0)
	{
		ssize_t		put = write(fd, chars, len);

		if (put < 0 && errno == EINTR)
			continue;
		if (put <= 0)
			return false;
		chars += put;
		len -= put;
	}
	return true;
}

/* Overwrites an old file's bytes where they lie. */
static void
wipe_file(int fd)
{
	static const char zeros[JP_KEYRING_SIZE];
	struct stat status;

	if (fstat(fd, &status) != 0 || lseek(fd, 0, SEEK_SET) != 0 ||
		!write_all(fd, zeros, Min(status.st_size, sizeof(zeros))) ||
		pg_fsync(fd) != 0)
		ereport(WARNING,
				(errcode_for_file_access(),
				 errmsg("the old keyring file could not be overwritten: %m")));
}

/* Makes the file's name durable. */
static void
sync_directory(const char *real)
{
	char		directory[MAXPGPATH];

	strlcpy(directory, real, sizeof(directory));
	get_parent_directory(directory);
	fsync_fname(directory, true);
}

/* Says what is wrong with the file; where it is goes to the log alone. */
static void
refuse(const char *fact, const char *hint)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("keyring file %s", fact),
			 errdetail_log("journey_privacy.keyring_file is \"%s\".",
						   jp_setting_keyring_file),
			 errhint("%s", hint)));
}

/* Says what the system refused. */
static void
fail(const char *fact)
{
	ereport(ERROR,
			(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
			 errmsg("keyring file %s: %m", fact),
			 errdetail_log("journey_privacy.keyring_file is \"%s\".",
						   jp_setting_keyring_file),
			 errhint("%s", PERMISSION_HINT)));
}
