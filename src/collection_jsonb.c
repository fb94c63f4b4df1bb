/*
 * collection_jsonb.c
 *		Documents of type jsonb without some of their pairs.
 *
 * What stays is copied byte by byte into a document made as jsonb.h says:
 * a subset of ordered keys is ordered, so nothing has to be sorted or parsed.
 */
#include "postgres.h"

#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/jsonb.h"

#include "collection_keys.h"
#include "compat.h"

/* A document in the making. */
typedef struct Pruning
{
	StringInfoData out;
	bool		keep;
	bool		dropped;
} Pruning;

/* A container that is read. */
typedef struct Source
{
	const JsonbContainer *container;
	const char *data;			/* behind the entries */
	uint32		count;			/* of pairs or elements */
	bool		object;
} Source;

/* An element, or a pair, that stays. */
typedef struct Kept
{
	uint32		index;
	const JpKeys *keys;			/* of a container to be pruned; NULL: whole */
} Kept;

/* The entries of a container that is written. */
typedef struct Entries
{
	int			start;			/* where they lie in the output */
	int			data;			/* and where the data begin */
	uint32		count;			/* written so far */
} Entries;

static void prune_container(Pruning *p, const Source *source,
							const JpKeys *keys);
static uint32 choose(const Pruning *p, const Source *source,
					 const JpKeys *keys, Kept *kept);
static bool stays(bool keep, bool is_container, const JpKeys *child,
				  const JpKeys **within);
static void copy_child(Pruning *p, Entries *entries, const Source *source,
					   uint32 index, const JpKeys *keys);
static void end_entry(Pruning *p, Entries *entries, uint32 type, int before);
static Source read_container(const JsonbContainer *container);
static Source read_child(const Source *source, uint32 index);
static const JpKeys *child_named(const JpKeys *keys, const Source *source,
								 uint32 pair);
static bool container_has(const Source *source, const JpKeys *path);
static void pad(StringInfo out);

/* The document without what goes. */
Jsonb *
jp_jsonb_prune(Jsonb *document, const JpKeys *keys, bool keep)
{
	Pruning		p = {.keep = keep};
	Source		source;

	if (JB_ROOT_IS_SCALAR(document))
	{
		JsonbValue	null = {.type = jbvNull};
		JsonbValue	scalar;

		return keep && JsonbExtractScalar(&document->root, &scalar) &&
			scalar.type != jbvNull ? JsonbValueToJsonb(&null) : document;
	}
	initStringInfo(&p.out);
	enlargeStringInfo(&p.out, VARSIZE(document));
	appendStringInfoSpaces(&p.out, VARHDRSZ);
	source = read_container(&document->root);
	prune_container(&p, &source, keys);
	if (!p.dropped)
	{
		pfree(p.out.data);
		return document;
	}
	SET_VARSIZE(p.out.data, p.out.len);
	return (Jsonb *) p.out.data;
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
	Kept	   *kept = palloc(sizeof(Kept) * (source->count + 1));
	Entries		entries = {0};
	uint32		count;
	uint32		header;
	uint32		i;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	count = choose(p, source, keys, kept);
	if (count < source->count)
		p->dropped = true;
	header = count | (source->object ? JB_FOBJECT : JB_FARRAY);
	pad(&p->out);
	appendBinaryStringInfo(&p->out, (char *) &header, sizeof(header));
	entries.start = p->out.len;
	entries.data = entries.start +
		sizeof(JEntry) * (source->object ? count * 2 : count);
	appendStringInfoSpaces(&p->out, entries.data - entries.start);
	if (source->object)
		for (i = 0; i < count; i++)
			copy_child(p, &entries, source, kept[i].index, NULL);
	for (i = 0; i < count; i++)
		copy_child(p, &entries, source, kept[i].index +
				   (source->object ? source->count : 0), kept[i].keys);
	pfree(kept);
}

/* Finds which pairs or elements stay; returns how many. */
static uint32
choose(const Pruning *p, const Source *source, const JpKeys *keys, Kept *kept)
{
	uint32		count = 0;
	uint32		i;

	for (i = 0; i < source->count; i++)
	{
		const JEntry *entry = &source->container->children[i];

		kept[count].index = i;
		if (source->object)
		{
			if (stays(p->keep, JBE_ISCONTAINER(entry[source->count]),
					  child_named(keys, source, i), &kept[count].keys))
				count++;
		}
		else
		{
			kept[count].keys = JBE_ISCONTAINER(*entry) ? keys : NULL;
			if (kept[count].keys != NULL || !p->keep)
				count++;
		}
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
copy_child(Pruning *p, Entries *entries, const Source *source, uint32 index,
		   const JpKeys *keys)
{
	JEntry		entry = source->container->children[index];
	uint32		offset = getJsonbOffset(source->container, index);
	uint32		length = getJsonbLength(source->container, index);
	int			before = p->out.len;

	if (keys != NULL)
	{
		Source		child = read_child(source, index);

		prune_container(p, &child, keys);
	}
	else
	{
		if (JBE_ISCONTAINER(entry) || JBE_ISNUMERIC(entry))
		{
			uint32		padding = INTALIGN(offset) - offset;

			pad(&p->out);
			offset += padding;
			length -= padding;
		}
		appendBinaryStringInfo(&p->out, source->data + offset, length);
	}
	end_entry(p, entries, entry & JENTRY_TYPEMASK, before);
}

/* Writes the entry of what has been written since: its length, or its end. */
static void
end_entry(Pruning *p, Entries *entries, uint32 type, int before)
{
	JEntry		entry = type | (p->out.len - before);

	if (entries->count % JB_OFFSET_STRIDE == 0)
		entry = type | (p->out.len - entries->data) | JENTRY_HAS_OFF;
	memcpy(p->out.data + entries->start + sizeof(JEntry) * entries->count,
		   &entry, sizeof(entry));
	entries->count++;
}

/* What a container consists of. */
static Source
read_container(const JsonbContainer *container)
{
	Source		source = {.container = container};

	source.count = JsonContainerSize(container);
	source.object = JsonContainerIsObject(container);
	source.data = (const char *) &container->children[source.object ?
													  source.count * 2 : source.count];
	return source;
}

/* A container within another. */
static Source
read_child(const Source *source, uint32 index)
{
	uint32		offset = getJsonbOffset(source->container, index);

	return read_container((const JsonbContainer *)
						  (source->data + INTALIGN(offset)));
}

/* What a set has for the key of a pair. */
static const JpKeys *
child_named(const JpKeys *keys, const Source *source, uint32 pair)
{
	return jp_keys_child(keys,
						 source->data + getJsonbOffset(source->container, pair),
						 getJsonbLength(source->container, pair));
}

/* Whether a container has a value at a path. */
static bool
container_has(const Source *source, const JpKeys *path)
{
	uint32		i;

	check_stack_depth();
	for (i = 0; i < source->count; i++)
	{
		uint32		index = i + (source->object ? source->count : 0);
		const JpKeys *below = source->object ? child_named(path, source, i) : path;
		Source		child;

		if (below == NULL)
			continue;
		if (below->whole)
			return true;
		if (!JBE_ISCONTAINER(source->container->children[index]))
			continue;
		child = read_child(source, index);
		if (container_has(&child, below))
			return true;
	}
	return false;
}

/* Goes on at a multiple of four bytes. */
static void
pad(StringInfo out)
{
	while (out->len != INTALIGN(out->len))
		appendStringInfoCharMacro(out, '\0');
}
