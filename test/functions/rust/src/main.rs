// A function built with AWS's own Rust client: it does what its event says.
use lambda_runtime::{run, service_fn, Error, LambdaEvent};
use serde_json::{json, Value};

async fn handle(event: LambdaEvent<Value>) -> Result<Value, Error> {
    let text = event.payload["text"].as_str().unwrap_or("").to_string();
    match event.payload["do"].as_str().unwrap_or("") {
        "error" => return Err(text.into()),
        "exit" => std::process::exit(1),
        "hang" => std::thread::sleep(std::time::Duration::from_secs(600)),
        "print" => println!("{text}"),
        "context" => {
            return Ok(json!({
                "requestId": event.context.request_id,
                "arn": event.context.invoked_function_arn,
                "deadline": event.context.deadline > 0,
            }))
        }
        _ => {}
    }
    Ok(event.payload)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run(service_fn(handle)).await
}
