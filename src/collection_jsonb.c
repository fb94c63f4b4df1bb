/*
 * collection_jsonb.c
 *		Documents of type jsonb without some of their pairs.
 *
 * What stays is copied byte by byte into a document made as jsonb.h says:
 * a subset of ordered keys is ordered, so nothing has to be sorted or parsed.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "utils/jsonb.h"

#include "collection_keys.h"
#include "compat.h"

/* Containers with so many children need no memory but the stack's. */
#define FEW				64

/* A document in the making. */
typedef struct Pruning
{
	char	   *out;			/* its beginning */
	char	   *next;
	bool		keep;
	bool		dropped;
} Pruning;

/* A container that is read. */
typedef struct Source
{
	const JsonbContainer *container;
	const char *data;			/* behind the entries */
	uint32		count;			/* of pairs or elements */
	uint32		children;		/* keys and values, or elements */
	bool		object;
} Source;

/* A key, value or element: where it lies, and what becomes of it. */
typedef struct Child
{
	uint32		offset;
	uint32		length;
	bool		stays;
	const JpKeys *keys;			/* of a container to be pruned; NULL: whole */
} Child;

/* The entries of a container that is written. */
typedef struct Entries
{
	char	   *start;
	char	   *data;			/* behind them */
	uint32		count;			/* written so far */
} Entries;

static void prune_container(Pruning *p, const Source *source,
							const JpKeys *keys);
static void locate(const Source *source, Child *child);
static uint32 choose(bool keep, const Source *source, const JpKeys *keys,
					 Child *child);
static bool stays(bool keep, bool is_container, const JpKeys *child,
				  const JpKeys **within);
static void copy_child(Pruning *p, Entries *entries, const Source *source,
					   JEntry entry, const Child *child);
static void end_entry(Pruning *p, Entries *entries, uint32 type,
					  const char *before);
static Source read_container(const void *container);
static bool container_has(const Source *source, const JpKeys *path);
static inline void pad(Pruning *p);

/*
 * The document without what goes.  What is written has at most half as much
 * again as what is read: of padding, three bytes for each number and
 * container, which have eight themselves.
 */
Jsonb *
jp_jsonb_prune(Jsonb *document, const JpKeys *keys, bool keep)
{
	Size		size = VARSIZE(document);
	Pruning		p = {.keep = keep};
	Source		source;

	if (JB_ROOT_IS_SCALAR(document))
	{
		JsonbValue	null = {.type = jbvNull};
		JsonbValue	scalar;

		return keep && JsonbExtractScalar(&document->root, &scalar) &&
			scalar.type != jbvNull ? JsonbValueToJsonb(&null) : document;
	}
	p.out = palloc_extended(size + size / 2 + VARHDRSZ, MCXT_ALLOC_HUGE);
	p.next = p.out + VARHDRSZ;
	source = read_container(&document->root);
	prune_container(&p, &source, keys);
	if (!p.dropped)
	{
		pfree(p.out);
		return document;
	}
	SET_VARSIZE(p.out, p.next - p.out);
	return (Jsonb *) p.out;
}

/* Whether there is a value at the one path of a set. */
bool
jp_jsonb_has(Jsonb *document, const JpKeys *path)
{
	Source		source;

	if (JB_ROOT_IS_SCALAR(document))
		return false;
	source = read_container(&document->root);
	return container_has(&source, path);
}

/* Writes what stays of an object or array: header, entries, data. */
static void
prune_container(Pruning *p, const Source *source, const JpKeys *keys)
{
	Child		few[FEW];
	Child	   *child = source->children <= FEW ? few :
		palloc_extended(sizeof(Child) * source->children, MCXT_ALLOC_HUGE);
	Entries		entries = {0};
	uint32		count;
	uint32		header;
	uint32		i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	locate(source, child);
	count = choose(p->keep, source, keys, child);
	if (count < source->count)
		p->dropped = true;
	header = count | (source->object ? JB_FOBJECT : JB_FARRAY);
	pad(p);
	memcpy(p->next, &header, sizeof(header));
	entries.start = p->next + sizeof(header);
	entries.data = entries.start +
		sizeof(JEntry) * (source->object ? count * 2 : count);
	p->next = entries.data;
	for (i = 0; i < source->children; i++)
		if (child[i].stays)
			copy_child(p, &entries, source, source->container->children[i], &child[i]);
	if (child != few)
		pfree(child);
}

/* Finds where the children lie. */
static void
locate(const Source *source, Child *child)
{
	uint32		offset = 0;
	uint32		i;

	for (i = 0; i < source->children; i++)
	{
		child[i].offset = offset;
		JBE_ADVANCE_OFFSET(offset, source->container->children[i]);
		child[i].length = offset - child[i].offset;
	}
}

/* Decides which pairs or elements stay; returns how many. */
static uint32
choose(bool keep, const Source *source, const JpKeys *keys, Child *child)
{
	const JEntry *entries = source->container->children;
	uint32		count = 0;
	uint32		i;

	for (i = 0; i < source->count; i++)
	{
		Child	   *one = &child[i];
		const JpKeys *within = NULL;

		if (source->object)
		{
			one->stays = stays(keep, JBE_ISCONTAINER(entries[i + source->count]),
							   jp_keys_child(keys, source->data + one->offset, one->length),
							   &within);
			one->keys = NULL;
			one += source->count;
			one->stays = one[-(ptrdiff_t) source->count].stays;
		}
		else
		{
			within = JBE_ISCONTAINER(entries[i]) ? keys : NULL;
			one->stays = within != NULL || !keep;
		}
		one->keys = within;
		count += one->stays;
	}
	return count;
}

/* Whether a pair stays, given what the set has for its key. */
static bool
stays(bool keep, bool is_container, const JpKeys *child, const JpKeys **within)
{
	*within = NULL;
	if (child == NULL)
		return !keep;
	if (child->whole)
		return keep;
	if (is_container)
		*within = child;
	return is_container || !keep;
}

/* Copies a key, value or element, pruned where keys are given. */
static void
copy_child(Pruning *p, Entries *entries, const Source *source, JEntry entry,
		   const Child *child)
{
	const char *before = p->next;
	uint32		offset = child->offset;
	uint32		length = child->length;

	if (child->keys != NULL)
	{
		Source		within = read_container(source->data + INTALIGN(offset));

		prune_container(p, &within, child->keys);
	}
	else
	{
		if (JBE_ISCONTAINER(entry) || JBE_ISNUMERIC(entry))
		{
			pad(p);
			length -= INTALIGN(offset) - offset;
			offset = INTALIGN(offset);
		}
		memcpy(p->next, source->data + offset, length);
		p->next += length;
	}
	end_entry(p, entries, entry & JENTRY_TYPEMASK, before);
}

/* Writes the entry of what has been written since: its length, or its end. */
static void
end_entry(Pruning *p, Entries *entries, uint32 type, const char *before)
{
	JEntry		entry = type | (p->next - before);

	if (entries->count % JB_OFFSET_STRIDE == 0)
		entry = type | (p->next - entries->data) | JENTRY_HAS_OFF;
	memcpy(entries->start + sizeof(JEntry) * entries->count, &entry, sizeof(entry));
	entries->count++;
}

/* What a container consists of. */
static Source
read_container(const void *bytes)
{
	Source		source = {.container = bytes};

	source.count = JsonContainerSize(source.container);
	source.object = JsonContainerIsObject(source.container);
	source.children = source.object ? source.count * 2 : source.count;
	source.data = (const char *) &source.container->children[source.children];
	return source;
}

/* Whether a container has a value at a path. */
static bool
container_has(const Source *source, const JpKeys *path)
{
	uint32		i;

	check_stack_depth();
	for (i = 0; i < source->count; i++)
	{
		const JpKeys *below = path;
		uint32		value = i;
		Source		within;

		if (source->object)
		{
			below = jp_keys_child(path, source->data +
								  getJsonbOffset(source->container, i),
								  getJsonbLength(source->container, i));
			value += source->count;
		}
		if (below != NULL && below->whole)
			return true;
		if (below == NULL || !JBE_ISCONTAINER(source->container->children[value]))
			continue;
		within = read_container(source->data +
								INTALIGN(getJsonbOffset(source->container, value)));
		if (container_has(&within, below))
			return true;
	}
	return false;
}

/* Goes on at a multiple of four bytes. */
static inline void
pad(Pruning *p)
{
	while ((p->next - p->out) % sizeof(uint32) != 0)
		*p->next++ = '\0';
}
