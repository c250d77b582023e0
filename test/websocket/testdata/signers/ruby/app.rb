require 'json'
require 'net/http'
require 'openssl'
require 'time'
require 'uri'

def signed(host, path, body)
  env = ENV.to_h
  time = Time.now.utc.strftime('%Y%m%dT%H%M%SZ')
  headers = { 'host' => host, 'x-amz-date' => time, 'x-amz-security-token' => env['AWS_SESSION_TOKEN'] }
  names = headers.keys.sort
  encoded = path.split('/', -1).map { |part| URI.encode_www_form_component(part) }.join('/')
  request = ['POST', encoded, '', *names.map { |n| "#{n}:#{headers[n]}" }, '', names.join(';'), OpenSSL::Digest::SHA256.hexdigest(body)].join("\n")
  scope = [time[0, 8], env['AWS_REGION'], 'execute-api', 'aws4_request']
  key = scope.reduce("AWS4#{env['AWS_SECRET_ACCESS_KEY']}") { |k, part| OpenSSL::HMAC.digest('SHA256', k, part) }
  text = ['AWS4-HMAC-SHA256', time, scope.join('/'), OpenSSL::Digest::SHA256.hexdigest(request)].join("\n")
  signature = OpenSSL::HMAC.hexdigest('SHA256', key, text)
  headers.merge('authorization' => "AWS4-HMAC-SHA256 Credential=#{env['AWS_ACCESS_KEY_ID']}/#{scope.join('/')}, " \
    "SignedHeaders=#{names.join(';')}, Signature=#{signature}")
end

def handler(event:, context:)
  at = event['requestContext']
  message = JSON.parse(event['body'])
  host = message['by'] == 'event' ? at['domainName'] : "#{at['apiId']}.execute-api.#{ENV['AWS_REGION']}.amazonaws.com"
  path = "/#{at['stage']}/@connections/#{URI.encode_www_form_component(at['connectionId'])}"
  headers = signed(host, path, message['text'])
  if message['form'] == 'uri'
    uri = URI("https://#{host}#{path}")
    answer = Net::HTTP.start(uri.host, uri.port, use_ssl: true) { |http| http.post(uri.path, message['text'], headers) }
  else
    http = Net::HTTP.new(host, 443) # host is what it is on AWS, a name; here it may carry a port
    http.use_ssl = true
    answer = http.post(path, message['text'], headers)
  end
  raise "#{answer.code} #{answer.body}" unless answer.code == '200'

  { statusCode: 200 }
end
