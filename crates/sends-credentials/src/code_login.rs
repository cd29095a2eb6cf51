//! Logging in with a browser on this machine: authorization code with PKCE, received on a loopback port.
//!
//! Must not know how the browser is opened, nor where the tokens are kept.

mod redirect;

use std::net::Ipv4Addr;

use secrecy::{ExposeSecret, SecretString};
use tokio::{net::TcpListener, time::timeout};
use url::Url;

use crate::{
    Application, Endpoints, Grant, LoginError, Settings, StateDir,
    oauth::{Authorization, OAuth},
};

/// What to log in to, and what to ask for.
#[derive(Clone, Debug)]
pub struct LoginRequest {
    /// The application that asks.
    pub application: Application,
    /// The authorization server.
    pub endpoints: Endpoints,
    /// What to ask for; [`DEFAULT_SCOPES`](crate::DEFAULT_SCOPES) is what this project reads.
    pub scopes: Vec<String>,
}

impl LoginRequest {
    /// Asks the real upstream for the default scopes.
    pub fn new(application: Application) -> Self {
        Self {
            application,
            endpoints: Endpoints::default(),
            scopes: crate::DEFAULT_SCOPES.map(String::from).to_vec(),
        }
    }
}

/// A login that waits for a browser.
///
/// ```no_run
/// # async fn example() -> Result<(), Box<dyn std::error::Error>> {
/// use sends_credentials::{Application, CodeLogin, Login, LoginRequest, Settings, StateDir, default_state_dir};
///
/// let (dir, settings) = (StateDir::open(default_state_dir()?)?, Settings::default());
/// let request = LoginRequest::new(Application::public("client id"));
/// let waiting = CodeLogin::start(request, Some(8918), &dir, &settings).await?;
/// println!("open {}", waiting.url());
/// let grant = waiting.finish().await?;
/// Login::new(&dir, settings).save(grant).await?;
/// # Ok(())
/// # }
/// ```
#[must_use = "dropping it stops waiting for the browser"]
pub struct CodeLogin {
    oauth: OAuth,
    scopes: Vec<String>,
    listener: TcpListener,
    redirect: Url,
    authorization: Authorization,
    settings: Settings,
}

impl CodeLogin {
    /// The path of the redirect URI, which is `http://127.0.0.1:PORT/callback`.
    pub const REDIRECT_PATH: &str = "/callback";

    /// Listens on a loopback port for the browser's answer: on `port`, or on any free one.
    ///
    /// The upstream takes only redirect URIs that were registered for the application (documented), so that a fixed port is
    /// what works there; loopback addresses with a port are in use (observed).
    ///
    /// # Errors
    ///
    /// [`LoginError::Listen`] when the port is taken, and [`LoginError::Unavailable`] when no HTTPS client can be made.
    pub async fn start(
        request: LoginRequest,
        port: Option<u16>,
        dir: &StateDir,
        settings: &Settings,
    ) -> Result<Self, LoginError> {
        let port = port.unwrap_or(0);
        let cannot_listen = |reason: String| LoginError::Listen { port, reason };
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| cannot_listen(error.to_string()))?;
        let address = listener
            .local_addr()
            .map_err(|error| cannot_listen(error.to_string()))?;
        let redirect = Url::parse(&format!("http://{address}{}", Self::REDIRECT_PATH))
            .map_err(|error| cannot_listen(error.to_string()))?;
        let oauth = OAuth::new(&request.application, &request.endpoints, dir, settings)?;
        Ok(Self {
            authorization: oauth.authorization(&redirect, &request.scopes)?,
            oauth,
            scopes: request.scopes,
            listener,
            redirect,
            settings: settings.clone(),
        })
    }

    /// The address to open in a browser. It holds no secret that would be worth anything without this process.
    pub fn url(&self) -> &Url {
        &self.authorization.url
    }

    /// Waits for the browser and exchanges what it brings for tokens.
    ///
    /// # Errors
    ///
    /// [`LoginError::Expired`] after [`Settings::login_timeout`], [`LoginError::Denied`] when the user says no, and
    /// otherwise what the upstream refused.
    pub async fn finish(self) -> Result<Grant, LoginError> {
        let Authorization { state, verifier, .. } = self.authorization;
        let code = timeout(
            self.settings.login_timeout,
            redirect::receive(self.listener, state.expose_secret().to_owned()),
        )
        .await
        .map_err(|_| LoginError::Expired)??;
        let code = SecretString::from(code);
        let mut grant = self.oauth.redeem_code(&code, &verifier, &self.redirect).await?;
        grant.assume_scopes(self.scopes);
        Ok(grant)
    }
}
