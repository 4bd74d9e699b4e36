//! What is taken for misspelled, as the function `search.mistakes` of the schema decides it.

use bitvault_platform::db::DbRole;
use bitvault_testing::TestDatabase;
use rand::rngs::StdRng;
use rand::{Rng as _, SeedableRng as _};
use sqlx::{Connection as _, PgConnection};

/// What the function says of each pair of what was typed and a word.
async fn mistakes(pairs: &[(String, String)]) -> Vec<Option<i32>> {
    let database = TestDatabase::new().await.unwrap();
    let mut search = PgConnection::connect(&database.role_url(DbRole::Search))
        .await
        .unwrap();
    let (typed, words): (Vec<String>, Vec<String>) = pairs.iter().cloned().unzip();
    let sql = "SELECT search.mistakes(p.typed, p.word)
               FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS p(typed, word, n) ORDER BY n";
    let query = sqlx::query_scalar(sql).bind(typed).bind(words);
    let found = query.fetch_all(&mut search).await.unwrap();
    search.close().await.unwrap();
    found
}

#[tokio::test(flavor = "multi_thread")]
async fn few_mistakes_are_forgiven_and_more_in_long_words() {
    let table = [
        ("reprot", "report", Some(1)),
        ("reort", "report", Some(1)),
        ("quaterly", "quarterly", Some(1)),
        ("qaurtelry", "quarterly", Some(2)),
        ("invocies", "invoice", Some(2)),
        ("repotr", "reportage", Some(2)),
        ("rport", "sport", Some(1)),
        ("mouse", "house", Some(1)),
        ("mouse", "horse", None),
        ("invoice", "voice", None),
        ("übrung", "übung", Some(1)),
    ];
    let found = mistakes(&table.map(|(typed, word, _)| (typed.to_owned(), word.to_owned()))).await;
    for ((typed, word, expected), found) in table.into_iter().zip(found) {
        assert_eq!(found, expected, "{typed} {word}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn mistakes_are_counted_as_a_crate_for_edit_distances_counts_them() {
    let mut draw = StdRng::seed_from_u64(7);
    // Few letters, so that words are near to each other.
    let mut word =
        |letters: usize| -> String { (0..letters).map(|_| draw.random_range('a'..='d')).collect() };
    let mut pairs: Vec<(String, String)> = (0..4000)
        .map(|n| (word(n % 12 + 1), word(n / 12 % 14 + 1)))
        .collect();
    pairs.extend((0..2000).map(|n| {
        let typed = word(n % 10 + 3);
        let mut other: Vec<char> = typed.chars().collect();
        other.swap(n % 3, n % 2 + 1);
        other.insert(n % 4, 'x');
        (typed, other.into_iter().collect())
    }));
    let found = mistakes(&pairs).await;
    let near = found.iter().flatten().count();
    assert!(
        near > 500 && near < pairs.len() - 500,
        "{near} of {}",
        pairs.len()
    );
    for ((typed, word), found) in pairs.iter().zip(found) {
        let length = typed.chars().count();
        let whole = strsim::osa_distance(typed, word);
        let begun: String = word.chars().take(length).collect();
        let expected = match whole {
            _ if whole <= if length < 8 { 1 } else { 2 } => i32::try_from(whole).ok(),
            _ if strsim::osa_distance(typed, &begun) <= 1 => Some(2),
            _ => None,
        };
        assert_eq!(found, expected, "{typed} {word}");
    }
}
