import { describe, expect, it } from '@jest/globals'
import { checkLogConfig } from '../log-config.js'
import { needsPackage } from './optional-package.js'

describe('options of drivers that send logs away', () => {
  it.each([
    ['syslog', { 'syslog-address': 'http://x' }, "unsupported scheme: 'http'"],
    ['syslog', { 'syslog-address': 'unix:///no/such' }, 'stat /no/such: no such file or directory'],
    ['syslog', { 'syslog-facility': 'x' }, 'invalid syslog facility'],
    ['syslog', { 'syslog-format': 'x' }, 'Invalid syslog format'],
    ['syslog', { x: '1' }, "unknown log opt 'x' for syslog log driver"],
    ['journald', { x: '1' }, "unknown log opt 'x' for journald log driver"],
    ['gelf', {}, 'gelf-address is a required parameter'],
    ['gelf', { 'gelf-address': 'http://a:1' }, 'gelf: endpoint needs to be TCP or UDP'],
    ['gelf', { 'gelf-address': 'udp://a' }, 'gelf: please provide gelf-address as proto://host:port'],
    [
      'gelf',
      { 'gelf-address': 'tcp://a:1', 'gelf-compression-type': 'gzip' },
      'compression is only supported on UDP',
    ],
    [
      'gelf',
      { 'gelf-address': 'udp://a:1', 'gelf-compression-level': '10' },
      'unknown value "10" for log opt "gelf-compression-level" for gelf log driver',
    ],
    ['gelf', { 'gelf-address': 'udp://a:1', x: '1' }, 'unknown log opt "x" for gelf log driver'],
    [
      'fluentd',
      { 'fluentd-address': 'udp://a' },
      "invalid fluentd-address (udp://a): unsupported scheme: 'udp'",
    ],
    ['fluentd', { 'fluentd-address': 'a:1/x' }, 'should not contain a path element'],
    ['fluentd', { 'fluentd-retry-wait': 'x' }, 'time: invalid duration "x"'],
    ['fluentd', { 'fluentd-async-reconnect-interval': '1ms' }, 'must be between 100ms and 10s'],
    ['splunk', {}, 'splunk: splunk-url is expected'],
    ['splunk', { 'splunk-url': 'http://a' }, 'splunk: splunk-token is expected'],
    [
      'splunk',
      { 'splunk-url': 'http://a/b', 'splunk-token': 't' },
      'splunk: expected format scheme://dns_name_or_ip:port',
    ],
    [
      'splunk',
      { 'splunk-url': 'http://a', 'splunk-token': 't', 'splunk-format': 'x' },
      'unknown format specified x, supported formats are inline, json and raw',
    ],
  ])('refuses %s with %j', (Type, Config, message) => {
    expect(() => checkLogConfig({ Type, Config })).toThrow(message)
  })
})

describe('needsPackage()', () => {
  it('says how to install what is not there', () => {
    expect(() => needsPackage('awslogs', '@aws-sdk/client-cloudwatch-logs', '3')).not.toThrow()
    expect(() => needsPackage('x', '@ctr/no-such', '3')).toThrow(
      'the log driver x needs the package @ctr/no-such, which is not installed beside @ctr/engine: npm install @ctr/no-such@3',
    )
  })
})
