// The same as an HTTP handler, by lambda_http.
use lambda_http::{
    lambda_runtime::streaming::{channel, Body},
    run_with_streaming_response, service_fn, Error, Request, RequestExt, Response,
};

async fn handle(request: Request) -> Result<Response<Body>, Error> {
    let gate = request.query_string_parameters().first("gate").unwrap_or("").to_string();
    let (mut sender, body) = channel();
    tokio::spawn(async move {
        for i in 0..3 {
            while !gate.is_empty() && !std::path::Path::new(&format!("{gate}{i}")).exists() {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
            }
            if sender.send_data(format!("piece {i};").into()).await.is_err() {
                return;
            }
        }
    });
    Ok(Response::builder()
        .status(201)
        .header("x-runtime", "rusthttp")
        .header("set-cookie", "a=1")
        .header("set-cookie", "b=2")
        .body(body)?)
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    run_with_streaming_response(service_fn(handle)).await
}
