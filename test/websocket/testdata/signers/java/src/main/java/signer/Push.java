package signer;

import com.amazonaws.services.lambda.runtime.Context;
import com.amazonaws.services.lambda.runtime.RequestHandler;
import java.net.URI;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.security.MessageDigest;
import java.time.ZoneOffset;
import java.time.ZonedDateTime;
import java.time.format.DateTimeFormatter;
import java.util.HexFormat;
import java.util.Map;
import javax.crypto.Mac;
import javax.crypto.spec.SecretKeySpec;

import static java.nio.charset.StandardCharsets.UTF_8;

/** Signs a push and sends it with the JDK's own client. */
public class Push implements RequestHandler<Map<String, Object>, Map<String, Object>> {
    @Override
    @SuppressWarnings("unchecked")
    public Map<String, Object> handleRequest(Map<String, Object> event, Context context) {
        Map<String, String> env = System.getenv();
        Map<String, Object> at = (Map<String, Object>) event.get("requestContext");
        String body = (String) event.get("body");
        String text = body.replaceAll(".*\"text\":\"([^\"]*)\".*", "$1");
        String host = body.contains("\"by\":\"event\"") ? (String) at.get("domainName")
            : at.get("apiId") + ".execute-api." + env.get("AWS_REGION") + ".amazonaws.com";
        String path = "/" + at.get("stage") + "/@connections/" + URLEncoder.encode((String) at.get("connectionId"), UTF_8);
        try {
            String time = ZonedDateTime.now(ZoneOffset.UTC).format(DateTimeFormatter.ofPattern("yyyyMMdd'T'HHmmss'Z'"));
            String names = "host;x-amz-date;x-amz-security-token";
            String request = String.join("\n", "POST", path.replace("%", "%25").replace("@", "%40"), "", "host:" + host, "x-amz-date:" + time,
                "x-amz-security-token:" + env.get("AWS_SESSION_TOKEN"), "", names, sha256(text));
            String scope = time.substring(0, 8) + "/" + env.get("AWS_REGION") + "/execute-api/aws4_request";
            byte[] key = ("AWS4" + env.get("AWS_SECRET_ACCESS_KEY")).getBytes(UTF_8);
            for (String part : scope.split("/")) {
                key = hmac(key, part);
            }
            String signature = HexFormat.of().formatHex(hmac(key, "AWS4-HMAC-SHA256\n" + time + "\n" + scope + "\n" + sha256(request)));
            HttpResponse<String> answer = HttpClient.newHttpClient().send(HttpRequest.newBuilder(URI.create("https://" + host + path))
                .header("x-amz-date", time).header("x-amz-security-token", env.get("AWS_SESSION_TOKEN"))
                .header("authorization", "AWS4-HMAC-SHA256 Credential=" + env.get("AWS_ACCESS_KEY_ID") + "/" + scope
                    + ", SignedHeaders=" + names + ", Signature=" + signature)
                .POST(HttpRequest.BodyPublishers.ofString(text)).build(), HttpResponse.BodyHandlers.ofString());
            if (answer.statusCode() != 200) {
                throw new IllegalStateException(answer.statusCode() + " " + answer.body());
            }
        } catch (Exception e) {
            throw new IllegalStateException(e);
        }
        return Map.of("statusCode", 200);
    }

    static byte[] hmac(byte[] key, String text) throws Exception {
        Mac mac = Mac.getInstance("HmacSHA256");
        mac.init(new SecretKeySpec(key, "HmacSHA256"));
        return mac.doFinal(text.getBytes(UTF_8));
    }

    static String sha256(String text) throws Exception {
        return HexFormat.of().formatHex(MessageDigest.getInstance("SHA-256").digest(text.getBytes(UTF_8)));
    }
}
