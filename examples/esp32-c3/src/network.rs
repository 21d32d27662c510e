//! Wi-Fi and an address by DHCP; and random numbers, which are true ones only while the radio is on.

use embassy_executor::Spawner;
use embassy_net::{Runner, StackResources};
use embassy_time::Timer;
use esp_hal::{peripherals::WIFI, rng::Trng};
use esp_radio::wifi::{
    AuthenticationMethodConfig, Config, ControllerConfig, Interface, WifiController,
    sta::StationConfig,
};
use rand_core::Rng as _;
use static_cell::{ConstStaticCell, StaticCell};
use zephyr_embedded::{SocketBuffers, Sockets};

/// TCP and DNS for the client.
pub type Network = Sockets<'static, { chat::SOCKETS }>;
/// How long to wait before joining Wi-Fi again, in seconds.
const PAUSE: u64 = 5;

/// Starts Wi-Fi and TCP/IP. The access point need not be there yet.
///
/// The chip's generator mixes noise in that the radio receives; without the radio it repeats itself after every reset.
/// So nothing random is drawn before the radio is on, and it is never switched off: no power saving (the default).
pub fn start(spawner: Spawner, wifi: WIFI<'static>) -> (Network, Trng) {
    let config = ControllerConfig::default().with_initial_config(Config::Station(station()));
    let controller =
        WifiController::new(wifi, config).expect("Wi-Fi starts, or there is too little heap");
    let mut rng = Trng::try_new().expect("the radio is on");

    static RESOURCES: StaticCell<StackResources<{ Network::PLACES }>> = StaticCell::new();
    let config = embassy_net::Config::dhcpv4(Default::default());
    let resources = RESOURCES.init_with(StackResources::new);
    let (stack, runner) = embassy_net::new(Interface::station(), config, resources, rng.next_u64());
    spawner.spawn(run(runner).expect("it is spawned once"));

    static BUFFERS: ConstStaticCell<SocketBuffers<{ chat::SOCKETS }, 384, 1024>> =
        ConstStaticCell::new(SocketBuffers::new());
    let network = Sockets::new(stack, BUFFERS.take());
    spawner.spawn(join(controller).expect("it is spawned once"));
    (network, rng)
}

/// Name and password are the program's own from when it was built: see README.md.
fn station() -> StationConfig {
    let name = option_env!("WIFI_NAME").unwrap_or_default();
    let password = option_env!("WIFI_PASSWORD").unwrap_or_default();
    let authentication = if password.is_empty() {
        AuthenticationMethodConfig::Open
    } else {
        let password = password.try_into().expect("a password has at most 64 bytes");
        AuthenticationMethodConfig::Wpa2Personal(password)
    };
    StationConfig::default()
        .with_ssid(name.try_into().expect("a name has at most 32 bytes"))
        .with_authentication(authentication)
}

#[embassy_executor::task]
async fn run(mut runner: Runner<'static, Interface>) -> ! {
    runner.run().await
}

/// Joins Wi-Fi, and again whenever it is lost.
#[embassy_executor::task]
async fn join(mut controller: WifiController<'static>) -> ! {
    loop {
        if controller.connect_async().await.is_ok() {
            let _ = controller.wait_for_disconnect_async().await;
        }
        Timer::after_secs(PAUSE).await;
    }
}
