package app;

import com.amazonaws.services.lambda.runtime.Context;
import java.util.Map;

public class Functions {
  public Map<String, Object> greet(Map<String, Object> event, Context context) {
    String path = (String) event.get("rawPath");
    if ("/throw".equals(path)) throw new IllegalStateException("as ordered");
    if ("/exit".equals(path)) System.exit(3);
    context.getLogger().log("greeting " + path + "\n");
    return Map.of("statusCode", 201, "body", "hello " + path + " of " + context.getFunctionName());
  }
}
