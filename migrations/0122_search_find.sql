-- A search as one call, so that it is one round trip: what a query's words lead to decides what is looked at next, and whether
-- it is looked further. `search.find` is that decision; each of the others below is one look.
--
-- They run as who calls them, below the policies. Every look-up is one by key in a B-tree, as in 0080, and plans are kept (0110).
-- To change one: create it anew under another name and drop the old one a release later, as the release before calls it still.

-- What a hit must be, beside its words; NULL where it doesn't matter.
CREATE TYPE search.filters AS (
    is_folder boolean, family text, content_type text, owner uuid, after timestamptz, before timestamptz,
    min_size bigint, max_size bigint,
    -- Tags and fields as a whole, as they are in the dictionary.
    marks text[]
);
-- The place of a hit in the ranking: the lower class first, then the newer, then the higher id.
CREATE TYPE search.rank AS (class int, updated_at timestamptz, node_id uuid);
-- A node that may be an answer. Whether it may be shown is not known here.
CREATE TYPE search.candidate AS (
    node_id uuid,
    -- A number of bitvault.v1.SearchMatch: the lower, the better.
    class int, updated_at timestamptz, is_folder boolean, family text, owner uuid, tags text[],
    -- Whether it carries tags or fields.
    marked boolean,
    -- That its entry tells of.
    revision bigint,
    -- The words of the query that it has itself, a bit each, where folders above have others.
    own int
);
-- What was found: the best first, each node once; whether there may be more; and words that were taken for what was typed.
CREATE TYPE search.found AS (candidates search.candidate[], is_full boolean, alike text[]);
-- Where is looked.
CREATE TYPE search.area AS (
    -- Trees all of which count.
    trees uuid[],
    -- Trees that are searched, but of which only what lies below `roots` counts.
    partial uuid[], roots uuid[],
    -- Nodes that count, one by one, where there are few below a root.
    inside uuid[]
);
-- A word of the dictionary that a token stands for (they are numbered from 0), and how many nodes have it.
CREATE TYPE search.word AS (token int, id bigint, nodes bigint);
-- Words of the dictionary that a token may stand for: from one to before another.
CREATE TYPE search.range AS (token int, low text, high text);
-- Words that lead to candidates, and how many nodes of each are looked at; or, instead, words of two tokens: all nodes that
-- have one of each. `cut`: there are more nodes than are looked at.
CREATE TYPE search.lead AS (words bigint[], caps bigint[], one bigint[], other bigint[], cut boolean);
-- What names, tags and fields have to hold.
CREATE TYPE search.wanted AS (
    -- The whole query, folded.
    folded text,
    -- Patterns of LIKE; and regular expressions, where one of several words will do.
    patterns text[], alike text[],
    -- Each token as a whole word.
    whole text[],
    -- The class of everything found, where it is not to be told from the name.
    class int,
    -- What must not stand in the words all together.
    other_than text[]
);

-- How many mistakes lie between two words, when they are no more than `most`: letters that are missing, too many or others, and
-- neighbours that are swapped (optimal string alignment).
CREATE FUNCTION search.distance(a text, b text, most int) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
DECLARE
    s text[] := string_to_array(a, NULL);
    t text[] := string_to_array(b, NULL);
    n int := cardinality(s);
    m int := cardinality(t);
    far constant int := most + 1;
    -- Lines of the table of distances; the one at j + 1 is that to the first j letters.
    above int[];
    line int[];
    below int[];
    least_of_line int;
    best int;
BEGIN
    IF abs(n - m) > most THEN
        RETURN NULL;
    END IF;
    line := array_fill(far, ARRAY[m + 1]);
    FOR j IN 0..least(m, most) LOOP
        line[j + 1] := j;
    END LOOP;
    FOR i IN 1..n LOOP
        below := array_fill(far, ARRAY[m + 1]);
        below[1] := least(i, far);
        least_of_line := below[1];
        -- Further from the diagonal than that are more mistakes.
        FOR j IN greatest(1, i - most)..least(m, i + most) LOOP
            best := least(line[j + 1] + 1, below[j] + 1, line[j] + CASE WHEN s[i] = t[j] THEN 0 ELSE 1 END);
            IF i > 1 AND j > 1 AND s[i] = t[j - 1] AND s[i - 1] = t[j] THEN
                best := least(best, above[j - 1] + 1);
            END IF;
            below[j + 1] := least(best, far);
            least_of_line := least(least_of_line, best);
        END LOOP;
        -- A swap may leap over one line, which then was not better either.
        IF least_of_line > most THEN
            RETURN NULL;
        END IF;
        above := line;
        line := below;
    END LOOP;
    RETURN CASE WHEN line[m + 1] <= most THEN line[m + 1] END;
END
$$;

-- How many mistakes lie between what was typed and a word, if they are few enough to be taken for it: one, or two in eight
-- letters and more. What was typed may be the beginning of the word; then one is forgiven.
CREATE FUNCTION search.mistakes(typed text, word text) RETURNS int
LANGUAGE plpgsql IMMUTABLE PARALLEL SAFE AS $$
BEGIN
    RETURN coalesce(
        search.distance(typed, word, CASE WHEN length(typed) < 8 THEN 1 ELSE 2 END),
        CASE WHEN length(word) > length(typed) AND search.distance(typed, left(word, length(typed)), 1) IS NOT NULL THEN 2 END);
END
$$;

-- Where is looked for nodes at and below these. One that has no entry is the top of a tree.
CREATE FUNCTION search.area_of(tenant uuid, places uuid[]) RETURNS search.area
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- Most nodes below shared folders that are looked through one by one.
    most constant bigint := 2000;
    area search.area;
BEGIN
    SELECT coalesce(array_agg(tops.id) FILTER (WHERE tops.id = tops.tree), '{}'),
           coalesce(array_agg(DISTINCT tops.tree) FILTER (WHERE tops.id <> tops.tree), '{}'),
           coalesce(array_agg(tops.id) FILTER (WHERE tops.id <> tops.tree), '{}'), '{}'
    INTO area.trees, area.partial, area.roots, area.inside
    FROM (SELECT p.id, coalesce(e.tree_id, p.id) AS tree
          FROM unnest(places) AS p(id)
          LEFT JOIN LATERAL (SELECT tree_id FROM search.entries
                             WHERE tenant_id = tenant AND node_id = p.id LIMIT 1) e ON true) tops;
    area.partial := ARRAY(SELECT unnest(area.partial) EXCEPT SELECT unnest(area.trees));
    IF cardinality(area.roots) > 0 THEN
        area.inside := ARRAY(
            WITH RECURSIVE down AS (
                SELECT root.id FROM unnest(area.roots) AS root(id)
                UNION ALL
                SELECT c.node_id FROM down CROSS JOIN LATERAL (
                    SELECT node_id FROM search.entries
                    WHERE tenant_id = tenant AND parent_id = down.id OFFSET 0) c
            )
            SELECT id FROM down LIMIT most + 1);
        IF cardinality(area.inside) <= most THEN
            area.roots := '{}';
            area.partial := '{}';
        ELSE
            area.inside := '{}';
        END IF;
    END IF;
    RETURN area;
END
$$;

-- The words of trees that tokens stand for: of each range the word itself in each tree, and about 64 that begin with it, the most
-- frequent of the first 4,000.
CREATE FUNCTION search.look_up(tenant uuid, trees uuid[], ranges search.range[]) RETURNS search.word[]
LANGUAGE plpgsql STABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT ROW(t.token, best.id, best.nodes)::search.word
        FROM unnest(ranges) AS t
        CROSS JOIN LATERAL (
            SELECT w.id, w.nodes, w.word = t.low COLLATE "C" AS exact
            FROM unnest(trees) AS tree(id)
            CROSS JOIN LATERAL (SELECT id, word, nodes FROM search.words
                                WHERE tenant_id = tenant AND tree_id = tree.id AND word >= t.low AND word < t.high
                                ORDER BY word LIMIT 4000) w
            WHERE w.nodes > 0
            ORDER BY 3 DESC, w.nodes DESC LIMIT 64 + cardinality(trees)) best);
END
$$;

-- Which words lead to candidates: those of the token that the fewest nodes have; or of the two rarest together, when no more than
-- `most` nodes have them, as then none is too old to be looked at. None when some of the `tokens` has no word and `every` one
-- needs one.
CREATE FUNCTION search.lead(words search.word[], tokens int, every boolean, most bigint) RETURNS search.lead
LANGUAGE plpgsql IMMUTABLE AS $$
DECLARE
    -- Nodes that are looked at for the words of a token, the newest of each word.
    budget constant bigint := 2000;
    -- Nodes of the rarest token up to which each is looked at, without asking first which have the second one.
    few constant bigint := 300;
    lead search.lead := ROW('{}', '{}', '{}', '{}', false)::search.lead;
    rarest int[];
    nodes bigint[];
BEGIN
    SELECT array_agg(g.token ORDER BY g.nodes, g.token), array_agg(g.nodes ORDER BY g.nodes, g.token)
    INTO rarest, nodes
    FROM (SELECT w.token, sum(w.nodes)::bigint AS nodes FROM unnest(words) AS w
          WHERE w.token < tokens GROUP BY w.token) g;
    IF rarest IS NULL OR (every AND cardinality(rarest) < tokens) THEN
        RETURN lead;
    END IF;
    IF every AND tokens > 1 AND nodes[1] > few AND nodes[1] + nodes[2] <= most THEN
        lead.one := ARRAY(SELECT w.id FROM unnest(words) AS w WHERE w.token = rarest[1]);
        lead.other := ARRAY(SELECT w.id FROM unnest(words) AS w WHERE w.token = rarest[2]);
        RETURN lead;
    END IF;
    -- Rare words keep all of their nodes, and frequent ones share what is left; a share is never nothing: what is common is
    -- looked at a little.
    SELECT array_agg(s.id), array_agg(s.cap), sum(s.nodes) > sum(s.cap)
    INTO lead.words, lead.caps, lead.cut
    FROM (SELECT f.id, f.nodes, CASE WHEN f.fits THEN f.nodes ELSE greatest(1, (
                     (budget - coalesce(sum(f.nodes) FILTER (WHERE f.fits) OVER (), 0))
                     / nullif(count(*) FILTER (WHERE NOT f.fits) OVER (), 0))::bigint) END AS cap
          FROM (SELECT o.id, o.nodes, o.nodes <= (budget - (o.so_far - o.nodes)) / (o.of - o.place + 1) AS fits
                FROM (SELECT w.id, w.nodes, sum(w.nodes) OVER (ORDER BY w.nodes, w.id) AS so_far,
                             row_number() OVER (ORDER BY w.nodes, w.id) AS place, count(*) OVER () AS of
                      FROM unnest(words) AS w WHERE w.token = rarest[1]) o) f) s;
    RETURN lead;
END
$$;

-- Nodes that match by themselves, best first, at most 200. Of those that words lead to, the newest 500 that pass every filter;
-- and names that begin with the query, about 200 of all trees, and some of each.
CREATE FUNCTION search.by_name(
    tenant uuid, area search.area, lead search.lead, wanted search.wanted, filters search.filters, behind search.rank
) RETURNS SETOF search.candidate
LANGUAGE plpgsql STABLE AS $$
DECLARE
    names bigint := CASE wanted.folded WHEN '' THEN 0 ELSE greatest(200 / greatest(cardinality(area.trees), 1), 5) END;
    -- Sorts above every name that begins with the query.
    upper_bound text := wanted.folded || chr(1114111);
BEGIN
    RETURN QUERY
    WITH led AS (
        SELECT e.* FROM (
            SELECT p.node_id FROM unnest(lead.words, lead.caps) AS w(id, cap)
            CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                WHERE tenant_id = tenant AND word_id = w.id
                                ORDER BY node_id DESC LIMIT w.cap) p
            UNION ALL
            SELECT node_id FROM (
                SELECT node_id FROM search.postings WHERE tenant_id = tenant AND word_id = ANY(lead.one)
                INTERSECT
                SELECT node_id FROM search.postings WHERE tenant_id = tenant AND word_id = ANY(lead.other)
                ORDER BY node_id DESC LIMIT 2000) both_words
        ) p
        CROSS JOIN LATERAL (SELECT * FROM search.entries
                            WHERE tenant_id = tenant AND node_id = p.node_id LIMIT 1) e
        WHERE e.words || e.said LIKE ALL (wanted.patterns) AND e.words || e.said ~ ALL (wanted.alike)
          AND e.marks @> filters.marks
          AND (filters.is_folder IS NULL OR e.is_folder = filters.is_folder)
          AND (filters.family IS NULL OR e.family = filters.family)
          AND (filters.content_type IS NULL OR e.content_type = filters.content_type)
          AND (filters.owner IS NULL OR e.owner = filters.owner)
          AND (filters.after IS NULL OR e.updated_at >= filters.after)
          AND (filters.before IS NULL OR e.updated_at < filters.before)
          AND (filters.min_size IS NULL OR e.size >= filters.min_size)
          AND (filters.max_size IS NULL OR e.size <= filters.max_size)
          AND (cardinality(area.roots) = 0 OR e.tree_id = ANY(area.trees) OR e.node_id = ANY(area.roots) OR EXISTS (
               WITH RECURSIVE up AS (
                   SELECT e.parent_id AS id
                   UNION ALL
                   SELECT p.parent_id FROM up CROSS JOIN LATERAL (
                       SELECT parent_id FROM search.entries
                       WHERE tenant_id = tenant AND node_id = up.id LIMIT 1) p
               ) SELECT FROM up WHERE up.id = ANY(area.roots)))
        LIMIT 500
    ), named AS (
        SELECT e.* FROM (
            SELECT n.* FROM unnest(area.trees) AS tree(id)
            CROSS JOIN LATERAL (SELECT * FROM search.entries
                                WHERE tenant_id = tenant AND tree_id = tree.id
                                  AND name_key >= wanted.folded AND name_key < upper_bound
                                ORDER BY name_key LIMIT names) n
            UNION ALL
            SELECT n.* FROM unnest(area.trees) AS tree(id)
            CROSS JOIN LATERAL (SELECT * FROM search.entries
                                WHERE tenant_id = tenant AND tree_id = tree.id
                                  AND name_key >= wanted.folded || '.' AND name_key < wanted.folded || '/'
                                ORDER BY name_key LIMIT names) n
            UNION ALL
            SELECT n.* FROM unnest(area.inside) AS inside(id)
            CROSS JOIN LATERAL (SELECT * FROM search.entries
                                WHERE tenant_id = tenant AND node_id = inside.id LIMIT 1) n
        ) e
        WHERE e.words || e.said LIKE ALL (wanted.patterns) AND e.words || e.said ~ ALL (wanted.alike)
          AND e.marks @> filters.marks
          AND (filters.is_folder IS NULL OR e.is_folder = filters.is_folder)
          AND (filters.family IS NULL OR e.family = filters.family)
          AND (filters.content_type IS NULL OR e.content_type = filters.content_type)
          AND (filters.owner IS NULL OR e.owner = filters.owner)
          AND (filters.after IS NULL OR e.updated_at >= filters.after)
          AND (filters.before IS NULL OR e.updated_at < filters.before)
          AND (filters.min_size IS NULL OR e.size >= filters.min_size)
          AND (filters.max_size IS NULL OR e.size <= filters.max_size)
    ), ranked AS (
        SELECT DISTINCT e.node_id, e.updated_at, e.is_folder, e.family, e.owner, e.tags, e.said <> '' AS marked, e.revision,
               coalesce(wanted.class, CASE
            WHEN e.name_key = wanted.folded OR (starts_with(e.name_key, wanted.folded || '.')
                                                AND length(e.name_key) <= length(wanted.folded) + 8) THEN 1
            WHEN starts_with(e.name_key, wanted.folded) THEN 2
            WHEN e.said <> '' AND NOT e.words LIKE ALL (wanted.patterns) THEN 5
            WHEN NOT EXISTS (SELECT FROM unnest(wanted.whole) AS whole(word)
                             WHERE strpos(e.words, whole.word) = 0) THEN 3
            ELSE 4 END) AS class
        FROM (SELECT * FROM led UNION ALL SELECT * FROM named) e
        WHERE cardinality(wanted.other_than) = 0
           OR EXISTS (SELECT FROM unnest(wanted.other_than) AS part(text) WHERE strpos(e.words || e.said, part.text) = 0)
    )
    SELECT r.node_id, r.class, r.updated_at, r.is_folder, r.family, r.owner, r.tags, r.marked, r.revision, 0
    FROM ranked r
    WHERE behind.class IS NULL OR r.class > behind.class OR (r.class = behind.class AND (r.updated_at < behind.updated_at
          OR (r.updated_at = behind.updated_at AND r.node_id < behind.node_id)))
    ORDER BY r.class, r.updated_at DESC, r.node_id DESC LIMIT 200;
END
$$;

-- Nodes that match together with the names of the folders above them, at most 200: what lies below a folder with one of the
-- words. From at most 200 nodes with one of the `parts` is looked up and down, at 1,000 at most. Whether the caller may see those
-- folders is not known here either.
CREATE FUNCTION search.by_path(
    tenant uuid, area search.area, lead search.lead, parts text[], filters search.filters, behind search.rank
) RETURNS SETOF search.candidate
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- Each part is a bit.
    bits int[] := ARRAY(SELECT generate_series(0, cardinality(parts) - 1));
    every int := (1 << cardinality(parts)) - 1;
BEGIN
    RETURN QUERY
    WITH RECURSIVE anchor AS (
        SELECT e.node_id, e.parent_id, e.words, e.words || e.said AS own
        FROM (SELECT p.node_id FROM unnest(lead.words, lead.caps) AS w(id, cap)
              CROSS JOIN LATERAL (SELECT node_id FROM search.postings
                                  WHERE tenant_id = tenant AND word_id = w.id
                                  ORDER BY node_id DESC LIMIT w.cap) p
              UNION ALL
              SELECT id FROM unnest(area.inside) AS inside(id)) n
        CROSS JOIN LATERAL (SELECT * FROM search.entries
                            WHERE tenant_id = tenant AND node_id = n.node_id LIMIT 1) e
        WHERE EXISTS (SELECT FROM unnest(parts) AS part(text) WHERE strpos(e.words || e.said, part.text) > 0)
        LIMIT 200
    ), lit AS (
        -- What the names of the path say, and what the node says itself.
        SELECT a.node_id, (
            WITH RECURSIVE up AS (
                SELECT a.parent_id AS id, a.words
                UNION ALL
                SELECT p.parent_id, p.words FROM up CROSS JOIN LATERAL (
                    SELECT parent_id, words FROM search.entries
                    WHERE tenant_id = tenant AND node_id = up.id LIMIT 1) p
            )
            SELECT coalesce(bit_or(1 << part.bit), 0) FROM up, unnest(parts, bits) AS part(text, bit)
            WHERE strpos(up.words, part.text) > 0) AS named, (
            SELECT coalesce(bit_or(1 << part.bit), 0) FROM unnest(parts, bits) AS part(text, bit)
            WHERE strpos(a.own, part.text) > 0) AS own
        FROM anchor a
    ), down AS (
        SELECT node_id, named, own FROM lit
        UNION ALL
        SELECT c.node_id, down.named | coalesce((
            SELECT bit_or(1 << part.bit) FROM unnest(parts, bits) AS part(text, bit)
            WHERE strpos(c.words, part.text) > 0), 0), coalesce((
            SELECT bit_or(1 << part.bit) FROM unnest(parts, bits) AS part(text, bit)
            WHERE strpos(c.words || c.said, part.text) > 0), 0)
        FROM down CROSS JOIN LATERAL (SELECT node_id, words, said FROM search.entries
                                      WHERE tenant_id = tenant AND parent_id = down.node_id OFFSET 0) c
    )
    SELECT DISTINCT e.node_id, 6, e.updated_at, e.is_folder, e.family, e.owner, e.tags, e.said <> '', e.revision, d.own
    FROM (SELECT node_id, named, own FROM down LIMIT 1000) d
    CROSS JOIN LATERAL (SELECT * FROM search.entries
                        WHERE tenant_id = tenant AND node_id = d.node_id LIMIT 1) e
    WHERE (d.named | d.own) = every AND d.own <> every AND e.marks @> filters.marks
      AND (filters.is_folder IS NULL OR e.is_folder = filters.is_folder)
      AND (filters.family IS NULL OR e.family = filters.family)
      AND (filters.content_type IS NULL OR e.content_type = filters.content_type)
      AND (filters.owner IS NULL OR e.owner = filters.owner)
      AND (filters.after IS NULL OR e.updated_at >= filters.after)
      AND (filters.before IS NULL OR e.updated_at < filters.before)
      AND (filters.min_size IS NULL OR e.size >= filters.min_size)
      AND (filters.max_size IS NULL OR e.size <= filters.max_size)
      AND (e.tree_id = ANY(area.trees) OR e.node_id = ANY(area.inside) OR e.node_id = ANY(area.roots) OR EXISTS (
           WITH RECURSIVE up AS (
               SELECT e.parent_id AS id
               UNION ALL
               SELECT p.parent_id FROM up CROSS JOIN LATERAL (
                   SELECT parent_id FROM search.entries
                   WHERE tenant_id = tenant AND node_id = up.id LIMIT 1) p
           ) SELECT FROM up WHERE up.id = ANY(area.roots)))
      AND (behind.class IS NULL OR 6 > behind.class OR (6 = behind.class AND (e.updated_at < behind.updated_at
           OR (e.updated_at = behind.updated_at AND e.node_id < behind.node_id))))
    ORDER BY 3 DESC, 1 DESC LIMIT 200;
END
$$;

-- Words that what was typed may be a misspelling of, at most eight for each token, the fewest mistakes first: those that share a
-- third of its trigrams, the 200 that share most, are compared letter by letter. What begins with it was found already.
CREATE FUNCTION search.spelled_like(tenant uuid, typed text[], gram_of int[], grams text[])
RETURNS TABLE (token int, word text, mistakes int)
LANGUAGE plpgsql STABLE AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH alike AS MATERIALIZED (
        SELECT shared.token, shared.word, row_number() OVER (PARTITION BY shared.token ORDER BY common DESC, shared.word) AS place
        FROM (SELECT wanted.token, t.word, count(*) AS common, wanted.grams
              FROM (SELECT g.token, g.gram, count(*) OVER (PARTITION BY g.token) AS grams
                    FROM unnest(gram_of, grams) AS g(token, gram) OFFSET 0) wanted
              CROSS JOIN LATERAL (SELECT word FROM search.trigrams
                                  WHERE tenant_id = tenant AND trigram = wanted.gram COLLATE "C" OFFSET 0) t
              GROUP BY wanted.token, t.word, wanted.grams) shared
        WHERE common * 3 >= shared.grams
    ), near AS MATERIALIZED (
        SELECT a.token, a.word, a.place, search.mistakes(typed[a.token + 1], a.word) AS mistakes
        FROM alike a WHERE a.place <= 200 AND NOT starts_with(a.word, typed[a.token + 1])
    )
    SELECT n.token, n.word, n.mistakes
    FROM (SELECT near.*, row_number() OVER (PARTITION BY near.token ORDER BY near.mistakes, near.place) AS nearest
          FROM near WHERE near.mistakes IS NOT NULL) n
    WHERE n.nearest <= 8 ORDER BY n.token, n.nearest;
END
$$;

-- Candidates of a query, behind a place: by name, tags and fields; where that gives less than is `enough`, by path; and where
-- that gives nearly nothing, by words that are spelled alike.
--
-- `places`: where the caller may find something. `typed`: the words of the query, letters and digits only, folded as `folded` is
-- as a whole; any word that begins with one will do. `exact`: words of the dictionary as they are, which filters stand for.
-- `gram_of` and `grams`: trigrams of what may be misspelled, each with the number of its word.
CREATE FUNCTION search.find(
    tenant uuid, places uuid[], folded text, typed text[], exact text[], gram_of int[], grams text[],
    filters search.filters, behind search.rank, enough int
) RETURNS search.found
LANGUAGE plpgsql STABLE AS $$
DECLARE
    -- Most candidates.
    most constant int := 200;
    -- Fewer than this, and misspelled words are looked for.
    thin constant int := 5;
    -- Nodes of two tokens up to which all that have both are looked for first.
    together constant bigint := 60000;
    -- Before a word of tags and fields in the dictionary (host/search/src/domain/text.rs), and what sorts above and right behind.
    said constant text := '#';
    above constant text := chr(1114111);
    behind_word constant text := chr(1);
    class_metadata constant int := 5;
    class_fuzzy constant int := 7;
    tokens constant int := cardinality(typed) + cardinality(exact);
    parts constant text[] := ARRAY(SELECT ' ' || t.word FROM unnest(typed) WITH ORDINALITY AS t(word, n) ORDER BY t.n);
    area search.area := search.area_of(tenant, places);
    words search.word[];
    lead search.lead;
    wanted search.wanted;
    near record;
    answer search.found := ROW('{}', false, '{}')::search.found;
    more search.candidate[];
BEGIN
    words := search.look_up(tenant, area.trees || area.partial, ARRAY(
        SELECT ROW(t.n - 1, t.low, t.high)::search.range
        FROM (SELECT n, word, word || above FROM unnest(typed) WITH ORDINALITY AS t(word, n)
              UNION ALL
              SELECT n, said || word, said || word || above FROM unnest(typed) WITH ORDINALITY AS t(word, n)
              UNION ALL
              SELECT cardinality(typed) + n, word, word || behind_word
              FROM unnest(exact) WITH ORDINALITY AS t(word, n)) AS t(n, low, high)));
    wanted := ROW(folded, ARRAY(SELECT '%' || part || '%' FROM unnest(parts) AS part), '{}',
                  ARRAY(SELECT part || ' ' FROM unnest(parts) AS part),
                  -- Nothing was typed: what there is has what was asked for.
                  CASE cardinality(typed) WHEN 0 THEN class_metadata END, '{}')::search.wanted;
    lead := search.lead(words, tokens, true, together);
    IF cardinality(lead.words || lead.one) > 0 OR cardinality(area.inside) > 0 THEN
        answer.candidates := ARRAY(SELECT c FROM search.by_name(tenant, area, lead, wanted, filters, behind) AS c);
    END IF;
    IF cardinality(answer.candidates) < enough AND lead.cut THEN
        -- Nodes that are older than those which were looked at: of the two rarest tokens, all that have both.
        lead := search.lead(words, tokens, true, 9223372036854775807);
        IF cardinality(lead.one) > 0 THEN
            more := ARRAY(SELECT c FROM search.by_name(tenant, area, lead, wanted, filters, behind) AS c);
            answer.candidates := search.merged(answer.candidates, more);
        END IF;
    END IF;
    answer.is_full := cardinality(answer.candidates) >= most;
    IF cardinality(answer.candidates) < enough AND cardinality(typed) > 0 THEN
        lead := search.lead(words, cardinality(typed), false, 0);
        IF cardinality(lead.words) > 0 OR cardinality(area.inside) > 0 THEN
            more := ARRAY(SELECT c FROM search.by_path(tenant, area, lead, parts, filters, behind) AS c);
            answer.is_full := answer.is_full OR cardinality(more) >= most;
            answer.candidates := search.merged(answer.candidates, more);
        END IF;
    END IF;
    IF cardinality(answer.candidates) < thin AND cardinality(grams) > 0 THEN
        SELECT coalesce(array_agg(s.word), '{}') AS words,
               coalesce(array_agg(ROW(s.token, s.word, s.word || behind_word)::search.range), '{}')
               || coalesce(array_agg(ROW(s.token, said || s.word, said || s.word || behind_word)::search.range), '{}') AS ranges,
               -- Of each word that was typed: itself, or one that is spelled alike. Letters and digits only, nothing that a
               -- regular expression means.
               ARRAY(SELECT ' ' || t.word || coalesce((SELECT string_agg('| ' || spelled.word || ' ', '')
                                                       FROM unnest(array_agg(s.token), array_agg(s.word)) AS spelled(token, word)
                                                       WHERE spelled.token = t.n - 1), '')
                     FROM unnest(typed) WITH ORDINALITY AS t(word, n) ORDER BY t.n) AS patterns
        INTO near
        FROM search.spelled_like(tenant, typed, gram_of, grams) AS s;
        answer.alike := near.words;
        IF cardinality(near.words) > 0 THEN
            lead := search.lead(words || search.look_up(tenant, area.trees || area.partial, near.ranges), tokens, true, together);
            IF cardinality(lead.words || lead.one) > 0 OR cardinality(area.inside) > 0 THEN
                wanted := ROW(folded, '{}', near.patterns, '{}', class_fuzzy, parts)::search.wanted;
                more := ARRAY(SELECT c FROM search.by_name(tenant, area, lead, wanted, filters, behind) AS c);
                answer.is_full := answer.is_full OR cardinality(more) >= most;
                answer.candidates := search.merged(answer.candidates, more);
            END IF;
        END IF;
    END IF;
    answer.candidates := answer.candidates[:most];
    RETURN answer;
END
$$;

-- Candidates of two looks, each node where it ranks best.
CREATE FUNCTION search.merged(best search.candidate[], more search.candidate[]) RETURNS search.candidate[]
LANGUAGE plpgsql IMMUTABLE AS $$
BEGIN
    RETURN ARRAY(
        SELECT c.one
        FROM (SELECT DISTINCT ON ((one).node_id) one FROM unnest(best || more) AS one
              ORDER BY (one).node_id, (one).class) c
        ORDER BY (c.one).class, (c.one).updated_at DESC, (c.one).node_id DESC);
END
$$;

DO $$
DECLARE
    called regprocedure;
BEGIN
    FOR called IN SELECT oid FROM pg_proc WHERE pronamespace = 'search'::regnamespace LOOP
        EXECUTE format('REVOKE ALL ON FUNCTION %s FROM PUBLIC', called);
        EXECUTE format('GRANT EXECUTE ON FUNCTION %s TO bitvault_search', called);
    END LOOP;
END
$$;
