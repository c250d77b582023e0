# frozen_string_literal: true

# Connections to AWS host names that Suiro stands for go to Suiro, whatever
# library makes them: what hosts.js does for Node.js. TLS stays end to end, as
# the front's certificate names the host.
module SuiroHosts
  # Not part of AWS's environment.
  TABLE = (ENV.delete('SUIRO_HOSTS') || '').split(',').to_h { |pair| pair.split('=') }.freeze
  AMAZON = /\.(amazonaws\.com|amazonaws\.com\.cn|api\.aws|on\.aws)\z/.freeze
  NEAR = /\A(localhost|.*\.localhost|127\..*|::1|0\.0\.0\.0|::|[^.:]*)\z/.freeze
  # On AWS an event's domainName is a host name; here it carries a port.
  WITH_PORT = /\A(localhost|127\.0\.0\.1):(\d+)\z/.freeze

  # The port that stands for a host, 0 for one that is refused, nil for one
  # that is left alone.
  def self.where(host)
    name = host.to_s.downcase
    if (local = WITH_PORT.match(name))
      plain_names
      return local[2].to_i
    end
    return TABLE[name].to_i if TABLE.key?(name)
    return TABLE['*'].to_i if TABLE.key?('*') && AMAZON.match?(name)

    TABLE.key?('!') && !NEAR.match?(name) ? 0 : nil
  end

  def self.lead(host, port)
    to = where(host)
    return [host, port] unless to

    if to.zero?
      warn "suiro: the app calls #{host}, which is not on this machine (aws: local)"
      raise Errno::ECONNREFUSED, "#{host} (Suiro: aws: local)"
    end
    ['127.0.0.1', to]
  end

  # A certificate names a host without its port.
  def self.plain_names
    return if @plain || !defined?(OpenSSL::SSL::SSLSocket)

    @plain = true
    OpenSSL::SSL::SSLSocket.prepend(Names)
  end

  # Prepended to TLS sockets.
  module Names
    def hostname=(name)
      super(name && name.to_s.sub(WITH_PORT, '\1'))
    end

    def post_connection_check(name)
      super(name.sub(WITH_PORT, '\1'))
    end
  end

  # Prepended to TCPSocket.
  module Connect
    def initialize(host, port = nil, *rest, **options)
      host, port = SuiroHosts.lead(host, port)
      super(host, port, *rest, **options)
    end
  end

  # Prepended to Socket's own methods.
  module ConnectByName
    def tcp(host, port, *rest, **options, &block)
      host, port = SuiroHosts.lead(host, port)
      super(host, port, *rest, **options, &block)
    end
  end

  unless TABLE.empty?
    TCPSocket.prepend(Connect)
    Socket.singleton_class.prepend(ConnectByName)
  end
end
