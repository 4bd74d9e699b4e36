use super::{Bus, Event, Handler};
use crate::Result;
use std::sync::{Arc, PoisonError, RwLock};

struct Subscription {
    name: String,
    prefix: String,
    handler: Arc<dyn Handler>,
}

/// The bus of one process: [`Bus::publish`] runs every handler and fails when one fails, so that the event stays in the
/// outbox, which is the only queue.
#[derive(Default)]
pub struct InProcess {
    subscriptions: RwLock<Vec<Arc<Subscription>>>,
}

impl std::fmt::Debug for InProcess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("InProcess")
    }
}

#[async_trait::async_trait]
impl Bus for InProcess {
    async fn publish(&self, event: Event) -> Result<()> {
        let subscriptions = self
            .subscriptions
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .clone();
        for subscription in subscriptions
            .iter()
            .filter(|one| event.kind.starts_with(&one.prefix))
        {
            if let Err(error) = subscription.handler.handle(&event).await {
                tracing::warn!(%error, subscriber = subscription.name, event = %event.id, "handle event");
                return Err(error);
            }
        }
        Ok(())
    }

    async fn subscribe(&self, name: &str, prefix: &str, handler: Arc<dyn Handler>) -> Result<()> {
        let one = Subscription {
            name: name.to_owned(),
            prefix: prefix.to_owned(),
            handler,
        };
        self.subscriptions
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .push(Arc::new(one));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{EventId, TenantId};
    use crate::{Code, Error};
    use std::sync::Mutex;

    #[derive(Default)]
    struct Seen {
        ids: Mutex<Vec<EventId>>,
        refuse_first: bool,
    }

    #[async_trait::async_trait]
    impl Handler for Seen {
        async fn handle(&self, event: &Event) -> Result<()> {
            let mut ids = self.ids.lock().unwrap();
            ids.push(event.id);
            if self.refuse_first && ids.len() == 1 {
                return Err(Error::new(Code::Unavailable, "busy", "not now"));
            }
            Ok(())
        }
    }

    fn event(kind: &str) -> Event {
        Event {
            id: EventId::new(),
            tenant: TenantId::new(),
            kind: kind.to_owned(),
            key: String::new(),
            payload: serde_json::Value::Null,
            traceparent: None,
        }
    }

    #[tokio::test]
    async fn a_handler_gets_the_kinds_it_asked_for() {
        let bus = InProcess::default();
        let seen = Arc::new(Seen::default());
        bus.subscribe("test", "version.", seen.clone()).await.unwrap();
        let wanted = event("version.created");
        bus.publish(wanted.clone()).await.unwrap();
        bus.publish(event("node.trashed")).await.unwrap();
        assert_eq!(*seen.ids.lock().unwrap(), [wanted.id]);
    }

    #[tokio::test]
    async fn an_event_that_a_handler_refuses_is_not_delivered() {
        let bus = InProcess::default();
        let seen = Arc::new(Seen {
            refuse_first: true,
            ..Seen::default()
        });
        bus.subscribe("test", "", seen.clone()).await.unwrap();
        let one = event("version.created");
        assert!(bus.publish(one.clone()).await.is_err());
        bus.publish(one.clone()).await.unwrap();
        assert_eq!(*seen.ids.lock().unwrap(), [one.id, one.id]);
    }
}
