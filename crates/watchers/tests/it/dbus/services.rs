//! The lid and the network, as services of the system say.

use timberline_model::Data;
use timberline_watchers::desktop::{Lost, services};
use zbus::Connection;

use super::bus::Bus;
use crate::watched::Watched;

const UPOWER: &str = "/org/freedesktop/UPower";
const MANAGER: &str = "/org/freedesktop/NetworkManager";

struct UPower(bool);

#[zbus::interface(name = "org.freedesktop.UPower")]
impl UPower {
    #[zbus(property)]
    fn lid_is_closed(&self) -> bool {
        self.0
    }
}

struct Manager(u32);

#[zbus::interface(name = "org.freedesktop.NetworkManager")]
impl Manager {
    #[zbus(property)]
    fn state(&self) -> u32 {
        self.0
    }
}

fn status(status: &str) -> Option<Data> {
    Some(Data::parse(&format!(r#"{{"status":"{status}"}}"#)).unwrap())
}

async fn upower(bus: &Bus, closed: bool) -> Connection {
    let service = bus.service().serve_at(UPOWER, UPower(closed));
    service.name("org.freedesktop.UPower").build().await.unwrap()
}

#[tokio::test]
async fn the_lid_is_reported_as_found_and_when_it_moves() {
    let Some(bus) = Bus::start() else { return };
    let service = upower(&bus, true).await;
    let mut watched = Watched::start(services::lid(bus.session()));
    assert_eq!(watched.next().await, Some(true));
    let object = service
        .object_server()
        .interface::<_, UPower>(UPOWER)
        .await
        .unwrap();
    let mut lid = object.get_mut().await;
    lid.0 = false;
    lid.lid_is_closed_changed(object.signal_emitter()).await.unwrap();
    drop(lid);
    assert_eq!(watched.next().await, Some(false));
    service.close().await.unwrap();
    let lost = watched.lost().await;
    assert!(
        matches!(&lost, Lost::Ended(why) if why.contains("UPower has ended")),
        "{lost:?}"
    );
}

#[tokio::test]
async fn the_network_is_online_when_it_reaches_the_internet() {
    let Some(bus) = Bus::start() else { return };
    let service = bus.service().serve_at(MANAGER, Manager(20));
    let service = service
        .name("org.freedesktop.NetworkManager")
        .build()
        .await
        .unwrap();
    let mut watched = Watched::start(services::network_manager(bus.session()));
    assert_eq!(watched.next().await, status("offline"));
    for (state, expected) in [(60, "offline"), (70, "online")] {
        let object = service
            .object_server()
            .interface::<_, Manager>(MANAGER)
            .await
            .unwrap();
        let mut manager = object.get_mut().await;
        manager.0 = state;
        manager.state_changed(object.signal_emitter()).await.unwrap();
        drop(manager);
        assert_eq!(watched.next().await, status(expected));
    }
}

#[tokio::test]
async fn a_service_that_does_not_run_is_not_started() {
    let Some(bus) = Bus::start() else { return };
    let folder = bus.folder.path();
    let started = folder.join("started");
    let service = format!(
        "[D-BUS Service]\nName=org.freedesktop.UPower\nExec=/usr/bin/touch {}\n",
        started.display()
    );
    std::fs::write(folder.join("services/upower.service"), service).unwrap();
    let connection = bus.service().build().await.unwrap();
    let name = Some("org.freedesktop.DBus");
    let reload = connection.call_method(name, "/org/freedesktop/DBus", name, "ReloadConfig", &());
    reload.await.unwrap();

    let lost = Watched::start(services::lid(bus.session())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("UPower does not run")),
        "{lost:?}"
    );
    assert!(!started.exists());

    let _service = upower(&bus, true).await;
    let mut watched = Watched::start(services::lid(bus.session()));
    assert_eq!(watched.next().await, Some(true));
}

#[tokio::test]
async fn a_service_that_is_not_there_is_named() {
    let Some(bus) = Bus::start() else { return };
    let lost = Watched::start(services::networkd(bus.session())).lost().await;
    assert!(
        matches!(&lost, Lost::Missing(why) if why.contains("systemd-networkd")),
        "{lost:?}"
    );
}
