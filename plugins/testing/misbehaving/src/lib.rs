//! A storage adapter that does, on `head` and `plan_put`, whatever wrong its key names: the host's tests see each bounded
//! and named. `good` behaves.

#[allow(
    missing_docs,
    unreachable_pub,
    reason = "generated; documented in wit/plugin.wit"
)]
mod bindings {
    wit_bindgen::generate!({ path: "../../../wit", world: "storage-adapter" });
}

use bindings::bitvault::plugin::types::{Error, Request, Response};
use bindings::bitvault::plugin::{egress, host};
use bindings::exports::bitvault::plugin::storage::{
    Auth, Capabilities, GetOptions, Guest, Object, Page, Part, Pending, Plan, PutOptions,
};

struct Misbehaving;

fn unsupported<T>() -> Result<T, Error> {
    Err(Error {
        code: "unsupported".into(),
        retryable: false,
        retry_after_ms: None,
        message: "test guest".into(),
    })
}

fn object(key: String) -> Object {
    Object {
        key,
        size: 1,
        etag: None,
        sha256: None,
        modified_ms: None,
        content_type: None,
        meta: Vec::new(),
    }
}

fn request(method: &str, url: &str) -> Request {
    Request {
        method: method.into(),
        url: url.into(),
        headers: Vec::new(),
        body: None,
    }
}

fn misbehave(key: &str) -> Result<(), Error> {
    match key {
        "loop" => loop {
            std::hint::black_box(0);
        },
        "allocate" => {
            let mut hoard: Vec<Vec<u8>> = Vec::new();
            loop {
                hoard.push(vec![1; 1 << 20]);
                std::hint::black_box(&hoard);
            }
        }
        "recurse" => {
            #[allow(unconditional_recursion, reason = "that is the point")]
            fn deeper(depth: u64) -> u64 {
                deeper(std::hint::black_box(depth) + 1) + 1
            }
            std::hint::black_box(deeper(0));
        }
        "trap" => std::process::abort(),
        "panic" => panic!("the guest gave up"),
        "exit" => std::process::exit(0),
        "log" => {
            for line in 0..100_000 {
                host::log(host::Level::Info, &format!("line {line}"), &[]);
            }
        }
        "long-line" => host::log(host::Level::Info, &"x".repeat(4 << 20), &[]),
        "sleep" => std::thread::sleep(std::time::Duration::from_secs(3600)),
        "file" => assert!(std::fs::read("/etc/passwd").is_err() && std::env::vars().next().is_none()),
        "connect" => assert!(std::net::TcpStream::connect("127.0.0.1:1").is_err()),
        "many-requests" => {
            for _ in 0..100_000 {
                let _ = egress::send(&request(
                    "GET",
                    &format!("{}/granted/x", host::config().trim_matches('"')),
                ));
            }
        }
        "other-host" => {
            egress::send(&request("GET", "http://203.0.113.7/granted/x"))?;
        }
        "metadata" => {
            egress::send(&request("GET", "http://169.254.169.254/latest/meta-data"))?;
        }
        _ => {}
    }
    Ok(())
}

impl Guest for Misbehaving {
    fn get_capabilities() -> Capabilities {
        Capabilities {
            features: Vec::new(),
            min_part: 0,
            max_part: 0,
            max_parts: 0,
            max_single_put: 0,
            max_delete: 0,
        }
    }
    fn create_container() -> Result<(), Error> {
        unsupported()
    }
    fn plan_get(_: String, _: GetOptions, _: Auth) -> Result<Plan, Error> {
        unsupported()
    }
    /// Plans the URL that the key is.
    fn plan_put(key: String, _: PutOptions, auth: Auth) -> Result<Plan, Error> {
        if key == "garbage" {
            let mut request = request("ÜPUT\r\n", "not a url \u{0}\r\nx: y");
            request.headers.push(("bad name\n".into(), vec![0, 10, 255]));
            return Ok(Plan { request, auth });
        }
        if let Some(method) = key.strip_prefix("method:") {
            return Ok(Plan {
                request: request(method, &format!("{}/granted/x", host::config().trim_matches('"'))),
                auth,
            });
        }
        if key == "authorization" {
            let mut request = request("PUT", &format!("{}/granted/x", host::config().trim_matches('"')));
            request.headers.push(("authorization".into(), b"mine".to_vec()));
            return Ok(Plan { request, auth });
        }
        if key == "header" {
            return Ok(Plan {
                request: request("PUT", &format!("{}/granted/x", host::config().trim_matches('"'))),
                auth: Auth::Header,
            });
        }
        if key == "longer" {
            return Ok(Plan {
                request: request("PUT", &format!("{}/granted/x", host::config().trim_matches('"'))),
                auth: Auth::Presign(604_800),
            });
        }
        Ok(Plan {
            request: request("PUT", &key),
            auth,
        })
    }
    fn plan_part(_: String, _: String, _: u32, _: u64, _: Option<Vec<u8>>, _: Auth) -> Result<Plan, Error> {
        unsupported()
    }
    fn parse_put(_: String, _: u64, _: Response) -> Result<Object, Error> {
        unsupported()
    }
    fn parse_part(_: u32, _: u64, _: Response) -> Result<Part, Error> {
        unsupported()
    }
    fn parse_get(_: String, _: Response) -> Result<Object, Error> {
        unsupported()
    }
    fn head(key: String) -> Result<Object, Error> {
        misbehave(&key)?;
        Ok(object(key))
    }
    fn delete(_: Vec<String>) -> Result<Vec<(String, Error)>, Error> {
        unsupported()
    }
    fn list_objects(
        _: String,
        _: Option<String>,
        _: Option<String>,
        _: Option<String>,
        _: u32,
    ) -> Result<Page, Error> {
        unsupported()
    }
    fn copy(_: String, _: String, _: bool) -> Result<Object, Error> {
        unsupported()
    }
    fn begin_upload(_: String, _: PutOptions, _: bool) -> Result<String, Error> {
        unsupported()
    }
    fn copy_part(_: String, _: (u64, u64), _: String, _: String, _: u32) -> Result<Part, Error> {
        unsupported()
    }
    fn list_parts(_: String, _: String) -> Result<Vec<Part>, Error> {
        unsupported()
    }
    fn list_uploads(_: String) -> Result<Vec<Pending>, Error> {
        unsupported()
    }
    fn finish_upload(_: String, _: String, _: Vec<Part>) -> Result<Object, Error> {
        unsupported()
    }
    fn abort_upload(_: String, _: String) -> Result<(), Error> {
        unsupported()
    }
}

#[cfg(target_family = "wasm")]
#[allow(unsafe_code, reason = "the generated export glue")]
mod export {
    use crate::Misbehaving;
    crate::bindings::export!(Misbehaving with_types_in crate::bindings);
}
