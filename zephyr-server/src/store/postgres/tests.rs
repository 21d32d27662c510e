use zephyr_core::{Address, ClientKey, MixerIndex, Round, ServerId, UnixMs};
use zephyr_machine::pkg::Registration;

use super::*;
use crate::store::conformance::{self, chunk};
use crate::store::{Mailboxes, Registrations, SqlMailboxes, SqlRegistrations, UploadId};
use crate::testing::postgres::{PASSWORD, Postgres};

async fn mailboxes(url: &str) -> PostgresMailboxes {
    PostgresMailboxes::open(&Database::new(url)).await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn postgres_conforms() {
    let server = Postgres::start();
    conformance::mailboxes(async || mailboxes(&server.empty()).await).await;
    conformance::registrations(async || {
        PostgresRegistrations::open(&Database::new(server.empty())).await.unwrap()
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn messages_that_were_stored_one_by_one_are_still_there() {
    let server = Postgres::start();
    let url = server.empty();
    let pool = PgPool::connect(&url).await.unwrap();
    sql::migrator(&MIGRATIONS[..2]).run(&pool).await.unwrap();
    for place in 0..3u32 {
        sqlx::query("INSERT INTO mailbox_messages (id, message) VALUES ($1, $2)")
            .bind(row::id(UploadId(1), place).unwrap())
            .bind(&place.to_be_bytes()[..])
            .execute(&pool)
            .await
            .unwrap();
    }
    pool.close().await;
    let store = mailboxes(&url).await;
    assert_eq!(conformance::read(&store, UploadId(1), 1, 9).await.unwrap(), [1, 2]);
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn what_is_complete_survives_a_power_cut_and_the_store_goes_on_when_the_server_is_back() {
    let mut server = Postgres::start();
    let url = server.empty();
    let store = mailboxes(&url).await;
    let registrations = PostgresRegistrations::open(&Database::new(&url)).await.unwrap();
    let bob = Address::parse("bob@example.org").unwrap();
    let registration = Registration::new(ClientKey::from_bytes([1; 32]), UnixMs(5));
    registrations.put(&bob, &registration).await.unwrap();
    let whole = store.begin(Round(3), b"directory", MixerIndex(1)).await.unwrap();
    for i in 0..4 {
        assert!(store.append(whole, &chunk(i * 500, 500)).await.unwrap());
    }
    store.complete(whole, &[1; 32]).await.unwrap();
    let half = store.begin(Round(3), b"directory", MixerIndex(0)).await.unwrap();
    assert!(store.append(half, &chunk(0, 500)).await.unwrap());

    server.stop();
    let error = store.messages(whole, 0, 1).await.unwrap_err();
    assert!(matches!(error, StoreError::Database(_)), "{error}");
    assert!(registrations.load(&bob).await.is_err());
    server.run();
    assert_eq!(conformance::read(&store, whole, 0, 3_000).await.unwrap().len(), 2_000);
    assert_eq!(registrations.load(&bob).await.unwrap(), Some(registration));
    let rounds = store.restore().await.unwrap();
    assert_eq!(rounds[0].delivered, [(MixerIndex(1), [1; 32])]);
    assert!(!store.append(half, &chunk(500, 1)).await.unwrap());
    let again = store.begin(Round(3), b"directory", MixerIndex(0)).await.unwrap();
    assert!(store.append(again, &chunk(0, 500)).await.unwrap());
    assert_eq!(store.complete(again, &[2; 32]).await.unwrap(), Some([2; 32]));
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn a_database_is_found_as_its_url_says_and_no_password_is_told() {
    let mut server = Postgres::start();
    let authority = server.with_tls();
    let opens = async |database: Database| open(&database).await.map(|_| ());
    let port = server.port();
    let named = |host: &str, more: &str| {
        Database::new(format!("postgres://zephyr@{host}:{port}/postgres?{more}"))
            .with_password_file(Some(server.path("password")))
    };
    opens(Database::new(server.socket_url())).await.unwrap();
    opens(Database::new(server.url("sslmode=disable"))).await.unwrap();
    opens(named("127.0.0.1", "")).await.unwrap();
    let checked = format!("sslmode=verify-full&sslrootcert={}", authority.display());
    opens(named("localhost", &checked)).await.unwrap();
    // The certificate is not for this name, or of nobody known.
    for database in [named("127.0.0.1", &checked), named("localhost", "sslmode=verify-full")] {
        let error = opens(database).await.unwrap_err();
        assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
    }
    let wrong = Database::new(server.url_without_password().replace("zephyr@", "zephyr:sesame@"));
    let error = opens(wrong).await.unwrap_err().to_string();
    assert!(error.contains("password authentication failed") && !error.contains("sesame"));
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
    let missing = Database::new(server.url("dbname=nowhere"));
    let error = opens(missing).await.unwrap_err().to_string();
    assert!(error.contains("nowhere") && !error.contains(PASSWORD), "{error}");

    server.stop();
    let error = opens(Database::new(server.url(""))).await.unwrap_err();
    assert!(matches!(error, StoreError::Unreachable { .. }), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs PostgreSQL; run by cargo xtask test"]
async fn a_database_belongs_to_one_server_of_a_role_and_to_this_version() {
    let server = Postgres::start();
    let url = server.empty();
    let database = Database::new(&url);
    let [one, two] = [[1; 32], [2; 32]].map(ServerId::from_bytes);
    SqlMailboxes::open(&database, &one).await.unwrap().close().await;
    SqlMailboxes::open(&database, &one).await.unwrap().close().await;
    let error = SqlMailboxes::open(&database, &two).await.unwrap_err();
    assert!(matches!(error, StoreError::Another), "{error}");
    SqlRegistrations::open(&database, &two).await.unwrap().close().await;

    let schema = url.rsplit("%3D").next().unwrap();
    server.sql(&format!(
        "INSERT INTO {schema}._sqlx_migrations (version, description, success, checksum, execution_time) \
         VALUES (9999, 'later', true, '', 0)"
    ));
    let error = SqlMailboxes::open(&database, &one).await.unwrap_err();
    assert!(matches!(error, StoreError::Migration(_)), "{error}");
}

#[test]
fn a_connection_to_another_machine_is_encrypted_unless_told_otherwise() {
    let mode = |url: &str| options(&Database::new(url)).unwrap().get_ssl_mode();
    for url in ["postgres://z@10.0.0.1/z", "postgres://z@db.example.org/z"] {
        assert!(matches!(mode(url), PgSslMode::VerifyFull), "{url}");
    }
    assert!(matches!(mode("postgres://z@10.0.0.1/z?sslmode=disable"), PgSslMode::Disable));
    for url in ["postgres://z@localhost/z", "postgres://z@[::1]/z", "postgres:///z?host=/run"] {
        assert!(!matches!(mode(url), PgSslMode::VerifyFull), "{url}");
    }
}

#[test]
fn a_url_that_can_not_be_read_is_explained_without_its_password() {
    let error = options(&Database::new("postgres://z:sesame/1@host:notaport/z")).unwrap_err();
    assert!(matches!(error, StoreError::Url(_)), "{error}");
    assert!(!format!("{error} {error:?}").contains("sesame"), "{error:?}");
    let file = Some("/nowhere/password".into());
    let error = options(&Database::new("postgres://z@host/z").with_password_file(file));
    assert!(error.unwrap_err().to_string().contains("/nowhere/password"));
}
