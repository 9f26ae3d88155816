//! `webhook_deliveries`: what is to be sent, and what was sent; `webhook_attempts`: how it went.

mod reads;
mod work;

pub use reads::{
    AttemptRow, DeliveryFilter, DeliveryRow, count_pending, delete_beyond, delete_ended,
    delete_of_deleted, list, load_attempts,
};
pub use work::{
    Due, Ended, NewDelivery, Room, load_due, load_pending, record, record_ended, record_released,
    record_resumed, record_retry,
};
