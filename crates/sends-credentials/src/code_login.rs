//! Browser login: authorization code flow with PKCE and a loopback redirect URI.

mod redirect;

use std::net::Ipv4Addr;

use secrecy::SecretString;
use tokio::{net::TcpListener, time::timeout};
use url::Url;

use crate::{
    Grant, LoginError, LoginRequest, Settings, StateDir,
    oauth::{Authorization, OAuth},
};

/// Pending browser login. Dropping the value cancels the login.
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
#[must_use]
pub struct CodeLogin {
    oauth: OAuth,
    scopes: Vec<String>,
    listener: TcpListener,
    redirect: Url,
    authorization: Authorization,
    settings: Settings,
}

impl CodeLogin {
    pub const REDIRECT_PATH: &str = "/callback";

    /// Binds the loopback port, or any free port if `port` is `None`.
    ///
    /// The upstream accepts only the redirect URIs that are registered for the application (documented), which requires a fixed
    /// port.
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

    /// Returns the URL to open in a browser. Only this process can use its state and challenge.
    pub fn url(&self) -> &Url {
        &self.authorization.url
    }

    /// Waits for the redirect, for at most [`Settings::login_timeout`], and exchanges its code for tokens.
    pub async fn finish(self) -> Result<Grant, LoginError> {
        let Authorization { state, verifier, .. } = self.authorization;
        let code = timeout(
            self.settings.login_timeout,
            redirect::receive(self.listener, state),
        )
        .await
        .map_err(|_| LoginError::Expired)??;
        let code = SecretString::from(code);
        let mut grant = self.oauth.redeem_code(&code, &verifier, &self.redirect).await?;
        grant.assume_scopes(self.scopes);
        Ok(grant)
    }
}
