import type { LogDriver } from './driver.js'
import { jsonFile, local } from './file-drivers.js'
import { awslogs } from './remote/awslogs.js'
import { fluentd } from './remote/fluentd.js'
import { gcplogs } from './remote/gcplogs.js'
import { gelf } from './remote/gelf.js'
import { journald } from './remote/journald.js'
import { logentries } from './remote/logentries.js'
import { splunk } from './remote/splunk.js'
import { syslog } from './remote/syslog.js'

/** All log drivers besides `none`. */
export const drivers: Readonly<Record<string, LogDriver>> = {
  'json-file': jsonFile,
  awslogs,
  fluentd,
  gcplogs,
  gelf,
  journald,
  local,
  logentries,
  splunk,
  syslog,
}
