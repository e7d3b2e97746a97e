// A TLS server on whatever OpenSSL this Node was built with, that answers every line. It
// runs on Node 0.12 too. The one argument is what tls.createServer takes, as JSON, with
// files for keys, plus host and port.
var fs = require('fs'), tls = require('tls');
var options = JSON.parse(process.argv[2]);
function read(file) { return fs.readFileSync(file); }
options.key = options.key.map(read);
options.cert = options.cert.map(read);
if (options.dhparam) options.dhparam = read(options.dhparam);
var server = tls.createServer(options, function (c) {
  c.on('error', function () {});
  c.on('data', function (data) {
    if (/^QUIT/m.test(data)) return c.end('221 2.0.0 Bye\r\n');
    if (/\n/.test(data)) c.write('250 2.0.0 Ok\r\n');
  });
});
server.on('clientError', function () {});
server.listen(options.port, options.host);
