'use strict'
// For `electron -r`: the recorder over the real module, before the app runs.
const { record } = require(process.env.BRIDGEKEEPER_TEST_RECORDER)
globalThis.bridgekeeperRecorder = record(require('electron'))
