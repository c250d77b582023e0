# frozen_string_literal: true

# Suiro's runtime client for Ruby: does for a handler what the managed Lambda
# runtime does. It speaks HTTP over a plain socket: net/http alone would double
# the cold start.
require 'json'
require 'socket'
require 'stringio'
require_relative 'hosts'

$stdout.sync = true
$stderr.sync = true

module SuiroLambdaRuntime
  # The Runtime API over one kept-alive connection.
  class Api
    def initialize(address)
      @address = address
      @host, _, @port = address.rpartition(':')
      @socket = nil
    end

    def next_invocation
      status, headers, body = call('GET', '/invocation/next')
      raise IOError, "/next answered #{status}: #{body}" unless status == 200

      [headers, body]
    end

    def answer(request, kind, body, headers)
      attempt = request['lambda-runtime-invocation-id']
      headers = headers.merge('Lambda-Runtime-Invocation-Id' => attempt) if attempt
      call('POST', "/invocation/#{request['lambda-runtime-aws-request-id']}/#{kind}", body, headers)
    end

    def init_error(body, headers)
      call('POST', '/init/error', body, headers)
    end

    private

    def call(method, path, body = nil, headers = {})
      lines = ["#{method} /2018-06-01/runtime#{path} HTTP/1.1", "Host: #{@address}"]
      headers.each { |name, value| lines << "#{name}: #{value}" }
      lines << "Content-Length: #{body.bytesize}" if body
      message = "#{lines.join("\r\n")}\r\n\r\n".b
      message << body.b if body
      reused = !@socket.nil?
      begin
        exchange(message)
      rescue SystemCallError, EOFError
        # A kept-alive connection may have been closed meanwhile.
        @socket = nil
        raise unless reused

        exchange(message)
      end
    end

    def exchange(message)
      unless @socket
        @socket = TCPSocket.new(@host, @port.to_i)
        @socket.setsockopt(Socket::IPPROTO_TCP, Socket::TCP_NODELAY, 1)
      end
      @socket.write(message)
      status = line.split(' ', 3)[1].to_i
      headers = {}
      while (text = line) != ''
        name, _, value = text.partition(':')
        headers[name.downcase] = value.strip
      end
      body = headers['transfer-encoding'] == 'chunked' ? chunks : exactly(headers['content-length'].to_i)
      @socket = nil if headers['connection'] == 'close'
      [status, headers, body.force_encoding(Encoding::UTF_8)]
    end

    def line
      @socket.gets("\r\n")&.chomp("\r\n") || raise(EOFError, 'the Runtime API closed the connection')
    end

    def exactly(size)
      data = size.zero? ? +'' : @socket.read(size)
      raise EOFError, 'the Runtime API closed the connection' if data.nil? || data.bytesize < size

      data
    end

    def chunks
      data = +''.b
      until (size = line.hex).zero?
        data << exactly(size)
        line
      end
      nil until line == ''
      data
    end
  end

  # The handler's context argument (Lambda guide, Ruby context object).
  class LambdaContext
    attr_reader :aws_request_id, :invoked_function_arn, :log_group_name, :log_stream_name, :function_name,
                :memory_limit_in_mb, :function_version, :identity, :client_context, :deadline_ms, :tenant_id

    def initialize(headers)
      @aws_request_id = headers['lambda-runtime-aws-request-id']
      @deadline_ms = headers['lambda-runtime-deadline-ms'].to_i
      @invoked_function_arn = headers['lambda-runtime-invoked-function-arn']
      @tenant_id = headers['lambda-runtime-aws-tenant-id']
      @log_group_name = ENV['AWS_LAMBDA_LOG_GROUP_NAME']
      @log_stream_name = ENV['AWS_LAMBDA_LOG_STREAM_NAME']
      @function_name = ENV['AWS_LAMBDA_FUNCTION_NAME']
      @memory_limit_in_mb = ENV['AWS_LAMBDA_FUNCTION_MEMORY_SIZE']
      @function_version = ENV['AWS_LAMBDA_FUNCTION_VERSION']
      @identity = parsed(headers['lambda-runtime-cognito-identity'])
      @client_context = parsed(headers['lambda-runtime-client-context'])
    end

    def get_remaining_time_in_millis
      [@deadline_ms - Process.clock_gettime(Process::CLOCK_REALTIME, :millisecond), 0].max
    end

    private

    def parsed(text)
      JSON.parse(text) if text && !text.empty?
    end
  end

  # What _HANDLER names: "file.method" or "file.Module::Class.method".
  class Handler
    def initialize(name)
      parts = name.split('.')
      unless [2, 3].include?(parts.size)
        raise ArgumentError, "Invalid handler #{parts}, must be of form FILENAME.METHOD or FILENAME.CLASS.METHOD " \
                             'where FILENAME corresponds with an existing Ruby source file FILENAME.rb, CLASS is an optional ' \
                             'module/class namespace and METHOD is a callable method. If using CLASS, METHOD must be a class-level method.'
      end
      @file, *@namespace, @method = parts
    end

    attr_reader :file

    def call(main, event, context)
      target = @namespace.empty? ? main : Kernel.const_get(@namespace.first)
      target.__send__(@method, event: event, context: context)
    end
  end

  module_function

  # failure is the body of an error answer. kind is Function or Init.
  def failure(error, kind)
    own = File.expand_path(__FILE__)
    trace = (error.backtrace || []).take_while { |at| !at.start_with?(own) }.first(100)
    { errorMessage: error.message, errorType: "#{kind}<#{error.class}>", stackTrace: trace }
  end

  def report(error, kind, title)
    body = failure(error, kind)
    puts title
    puts JSON.pretty_generate(body)
    yield JSON.generate(body), { 'Content-Type' => 'application/json', 'Lambda-Runtime-Function-Error-Type' => body[:errorType].gsub(/[^ -~]/, '?') }
  end

  def run(main)
    api = Api.new(ENV.fetch('AWS_LAMBDA_RUNTIME_API'))
    $LOAD_PATH.unshift(ENV['LAMBDA_TASK_ROOT'] || Dir.pwd)
    begin
      handler = Handler.new(ENV.fetch('_HANDLER', ''))
      require handler.file
    rescue Exception => e # a LoadError or SyntaxError is no StandardError
      report(e, 'Init', "Init error when loading handler #{ENV['_HANDLER']}") { |body, headers| api.init_error(body, headers) }
      exit(-4)
    end
    loop do
      headers, body = api.next_invocation
      ENV['_X_AMZN_TRACE_ID'] = headers['lambda-runtime-trace-id']
      handle(api, handler, main, headers, body)
    end
  end

  def handle(api, handler, main, headers, body)
    content, type = begin
      event = headers.fetch('content-type', 'application/json').start_with?('application/json') ? JSON.parse(body) : body
      encode(handler.call(main, event, LambdaContext.new(headers)))
    rescue NameError, StandardError => e
      # A name that does not exist will not exist next time either: the
      # managed runtime starts afresh after it, as after any non-standard error.
      critical = e.is_a?(NameError)
      report(e, 'Function', critical ? 'Critical exception from handler' : 'Error raised from handler method') do |text, extra|
        api.answer(headers, 'error', text, extra)
      end
      exit(-1) if critical
      return
    rescue Exception => e
      report(e, 'Function', 'Critical exception from handler') { |text, extra| api.answer(headers, 'error', text, extra) }
      exit(-1)
    end
    api.answer(headers, 'response', content, { 'Content-Type' => type })
  end

  # encode gives a result its bytes: an IO is sent as it is, all else as JSON.
  def encode(result)
    case result
    when StringIO, IO then [result.read, 'application/unknown']
    else [result.to_json, 'application/json']
    end
  end
end

# Handlers without a class are methods of main.
SuiroLambdaRuntime.run(self)
