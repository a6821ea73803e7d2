//! A chat template of a model's file: rendered over a fixed conversation.

#![no_main]

use libfuzzer_sys::fuzz_target;

fuzz_target!(|data: &[u8]| {
    // An error is as good as a prompt; a hang, a panic or a gigabyte is not.
    let _ = prompt::render_template(data);
});
