/**
 * The virtual machines that tests can run in: which kernel, what its first program is, and which tests are for it.
 *
 * @typedef {object} Machine
 * @property {string} title - What it is, for people.
 * @property {string} suite - The suite of Debian whose cloud kernel it boots.
 * @property {'plain' | 'systemd'} init - What starts the tests: nothing but the tests, or systemd with D-Bus.
 * @property {RegExp} tests - Names of its test files.
 */

/** @type {Record<string, Machine>} */
export const machines = {
  cgroup2: {
    title: 'pure cgroup v2',
    suite: 'trixie',
    init: 'plain',
    tests: /(?<!\.systemd|\.old)\.vm\.test\.ts$/,
  },
  systemd: {
    title: 'systemd on cgroup v2',
    suite: 'trixie',
    init: 'systemd',
    tests: /\.systemd\.vm\.test\.ts$/,
  },
  old: {
    title: 'an old kernel, pure cgroup v2',
    suite: 'bullseye',
    init: 'plain',
    tests: /\.old\.vm\.test\.ts$/,
  },
}
