// A function that streams with AWS's own Rust client: "piece 0;" and so on,
// each when the test has made the file that the gate names.
use lambda_runtime::{
    run, service_fn,
    streaming::{channel, Body, Response, Sender},
    Error, LambdaEvent, MetadataPrelude,
};
use serde_json::Value;

async fn pieces(mut sender: Sender, gate: String) {
    for i in 0..3 {
        while !gate.is_empty() && !std::path::Path::new(&format!("{gate}{i}")).exists() {
            tokio::time::sleep(std::time::Duration::from_millis(5)).await;
        }
        if sender.send_data(format!("piece {i};").into()).await.is_err() {
            return;
        }
    }
}

async fn handle(event: LambdaEvent<Value>) -> Result<Response<Body>, Error> {
    let gate = event.payload["queryStringParameters"]["gate"].as_str().unwrap_or("").to_string();
    let (sender, stream) = channel();
    tokio::spawn(pieces(sender, gate));
    let mut metadata_prelude = MetadataPrelude { status_code: 201.try_into()?, ..Default::default() };
    metadata_prelude.headers.insert("x-runtime", "rust".parse()?);
    metadata_prelude.cookies = vec!["a=1".into(), "b=2".into()];
    Ok(Response { metadata_prelude, stream })
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
