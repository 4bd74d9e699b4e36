-- Tags and fields are searched as well, and an index is emptied and brought up to date in steps.

-- What decides by which words an entry is found has to stand in it. What an older release indexed has none of these until it
-- has been looked at again.
ALTER TABLE search.entries
    -- As the node carries them, for facets.
    ADD COLUMN tags  text[] COLLATE "C" NOT NULL DEFAULT '{}',
    -- The words of its tags and of the texts of its fields, each with a blank before and after it, as in `words`.
    ADD COLUMN said  text   COLLATE "C" NOT NULL DEFAULT '',
    -- Each tag and each field as a whole, as they are in the dictionary.
    ADD COLUMN marks text[] COLLATE "C" NOT NULL DEFAULT '{}';
GRANT UPDATE (tags, said, marks) ON search.entries TO bitvault_search;

ALTER TABLE search.cursors
    -- What is known of a node: raised with what is indexed. Rows of a lower form are looked at again.
    ADD COLUMN form  int  NOT NULL DEFAULT 0,
    -- `emptying`: what is there goes, then the index is begun. `refreshing`: every node is looked at once more.
    ADD COLUMN stage text NOT NULL DEFAULT 'following' CHECK (stage IN ('emptying', 'refreshing', 'following'));
GRANT UPDATE (form, stage) ON search.cursors TO bitvault_search;

-- Statements are look-ups by key in B-trees, each spelled so: one plan is as good as another for what is asked, and making one
-- took longer than many a search. It may be made while tables are small, and is kept: so none that reads a whole table.
DO $$
BEGIN
    ALTER ROLE bitvault_search SET plan_cache_mode = force_generic_plan;
    ALTER ROLE bitvault_search SET enable_seqscan = off;
EXCEPTION WHEN internal_error THEN
    NULL; -- another database of the cluster migrates at the same moment and sets the same
END
$$;
