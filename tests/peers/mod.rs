//! Real peers for the end-to-end tests: nginx as the cloud or as the other proxy, curl as the
//! client, openssl as a server and for what rcgen does not make, Chromium, libfaketime for the clock.
//! They run as this user, in a folder of their own, on ports that were free.

// Each test program uses a part of it.
#![allow(dead_code, unused_imports)]

pub mod clock;
pub mod cloud;
pub mod curl;
pub mod devtools;
pub mod nginx;
pub mod openssl;
pub mod port;
pub mod version;
