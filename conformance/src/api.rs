//! A plain HTTP caller of the REST API: what `curl` would send, and JSON back.

use anyhow::{Context as _, Result, bail};
use reqwest::{Method, Response, StatusCode};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

/// Somebody signed in at a daemon.
#[derive(Debug, Clone)]
pub struct Caller {
    /// The HTTP client; redirects are not followed, so that a test sees them.
    pub http: reqwest::Client,
    url: String,
    token: Option<String>,
}

/// Status and JSON body of an answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// HTTP status.
    pub status: StatusCode,
    /// JSON body; null when there is none.
    pub body: Value,
}

impl Answer {
    /// The body, if the status is a success.
    pub fn ok(self) -> Result<Value> {
        if !self.status.is_success() {
            bail!("{}: {}", self.status, self.body);
        }
        Ok(self.body)
    }

    /// The stable reason of a problem.
    pub fn reason(&self) -> &str {
        self.body["reason"].as_str().unwrap_or_default()
    }
}

impl Caller {
    /// Nobody yet.
    pub fn anonymous(url: &str) -> Result<Self> {
        let http = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()?;
        Ok(Self {
            http,
            url: url.to_owned(),
            token: None,
        })
    }

    /// Signs in.
    pub async fn sign_in(url: &str, email: &str, password: &str) -> Result<Self> {
        let mut caller = Self::anonymous(url)?;
        let session = caller
            .post("/v1/sessions", json!({"email": email, "password": password}))
            .await?
            .ok()?;
        caller.token = Some(
            session["access_token"]
                .as_str()
                .context("no access token")?
                .to_owned(),
        );
        Ok(caller)
    }

    /// The same caller with another token.
    #[must_use]
    pub fn with_token(mut self, token: &str) -> Self {
        self.token = Some(token.to_owned());
        self
    }

    /// The bearer token.
    pub fn token(&self) -> &str {
        self.token.as_deref().unwrap_or_default()
    }

    /// A request that a test goes on with.
    pub fn request(&self, method: Method, path: &str) -> reqwest::RequestBuilder {
        let request = self.http.request(method, format!("{}{path}", self.url));
        match &self.token {
            Some(token) => request.bearer_auth(token),
            None => request,
        }
    }

    /// GET.
    pub async fn get(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::GET, path).send().await?).await
    }

    /// POST of JSON.
    pub async fn post(&self, path: &str, body: Value) -> Result<Answer> {
        answer(self.request(Method::POST, path).json(&body).send().await?).await
    }

    /// DELETE.
    pub async fn delete(&self, path: &str) -> Result<Answer> {
        answer(self.request(Method::DELETE, path).send().await?).await
    }

    /// Any call, with a JSON body or none.
    pub async fn send(&self, method: Method, path: &str, body: Option<Value>) -> Result<Answer> {
        let request = self.request(method, path);
        let request = match &body {
            Some(body) => request.json(body),
            None => request,
        };
        answer(request.send().await?).await
    }

    /// Begins an upload of `content` as `name`.
    pub async fn start(&self, parent: &str, name: &str, content: &[u8]) -> Result<Answer> {
        let body =
            json!({"parent_id": parent, "name": name, "size": content.len(), "sha256": sha256(content)});
        self.post("/v1/uploads", body).await
    }

    /// Sends a part on its presigned request and answers the store's status and ETag.
    pub async fn send_part(&self, part: &Value, content: &[u8]) -> Result<(StatusCode, String)> {
        let offset = usize::try_from(part["offset"].as_u64().context("part without offset")?)?;
        let size = usize::try_from(part["size"].as_u64().context("part without size")?)?;
        let bytes = content[offset..offset + size].to_vec();
        let response = presigned(&self.http, part, bytes).await?;
        let etag = response
            .headers()
            .get("etag")
            .and_then(|value| value.to_str().ok())
            .unwrap_or_default()
            .to_owned();
        Ok((response.status(), etag))
    }

    /// A whole upload of one part: start, PUT, commit; the node.
    pub async fn upload(&self, parent: &str, name: &str, content: &[u8]) -> Result<Value> {
        let upload = self.start(parent, name, content).await?.ok()?;
        let (status, _) = self.send_part(&upload["parts"][0], content).await?;
        if !status.is_success() {
            bail!("the store answered {status}");
        }
        self.commit(upload["upload_id"].as_str().unwrap_or_default())
            .await?
            .ok()
    }

    /// Uploads a conflicted copy of a file as a device does; the node.
    pub async fn upload_copy(&self, parent: &str, name: &str, content: &[u8], of: &Value) -> Result<Value> {
        let upload = json!({
            "parent_id": parent, "name": name, "size": content.len(), "sha256": sha256(content), "device": "laptop",
            "conflict_of": {"node_id": of["id"], "base_version": of["version_id"]},
        });
        let upload = self.post("/v1/uploads", upload).await?.ok()?;
        self.send_part(&upload["parts"][0], content).await?;
        self.commit(upload["upload_id"].as_str().unwrap_or_default())
            .await?
            .ok()
    }

    /// Commits an upload of one part.
    pub async fn commit(&self, upload_id: &str) -> Result<Answer> {
        self.post(&format!("/v1/uploads/{upload_id}/commit"), json!({}))
            .await
    }

    /// Reads a file's bytes from where the API points.
    pub async fn content(&self, node_id: &str) -> Result<Vec<u8>> {
        let place = self
            .get(&format!("/v1/nodes/{node_id}/content?redirect=false"))
            .await?
            .ok()?;
        let response = self
            .http
            .get(place["url"].as_str().context("no url")?)
            .send()
            .await?;
        if !response.status().is_success() {
            bail!("the store answered {}", response.status());
        }
        Ok(response.bytes().await?.to_vec())
    }
}

/// Sends bytes on a presigned request.
pub async fn presigned(http: &reqwest::Client, part: &Value, bytes: Vec<u8>) -> Result<Response> {
    let method = part["method"]
        .as_str()
        .context("part without method")?
        .parse::<Method>()?;
    let mut request = http.request(method, part["url"].as_str().context("part without url")?);
    if bytes.is_empty() {
        // The length is part of the signature, and this client leaves it out where there is no body.
        request = request.header("content-length", "0");
    }
    request = request.body(bytes);
    for (name, value) in part["headers"].as_object().context("part without headers")? {
        if !name.eq_ignore_ascii_case("content-length") && !name.eq_ignore_ascii_case("host") {
            request = request.header(name, value.as_str().unwrap_or_default());
        }
    }
    Ok(request.send().await?)
}

async fn answer(response: Response) -> Result<Answer> {
    let status = response.status();
    let text = response.text().await?;
    let body = if text.is_empty() {
        Value::Null
    } else {
        serde_json::from_str(&text).unwrap_or(Value::String(text))
    };
    Ok(Answer { status, body })
}

/// SHA-256 in hex.
pub fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}
