-- Every call of a ticket moves wakes_at. With an index on it each move wrote a new entry to both indexes, a third of the cost of an
-- append; without it a head is moved inside its page. The heads are few, and a scan of them once a minute is cheap.
drop index branch_head_wakes_at;
