const { DefaultFailureConverter } = require('@temporalio/common');

/*
 * With encryption, the messages and stacks of failures become payloads too, so that they are encrypted like the rest. Temporal's SDK and its bundler
 * load this file by its path; it goes into the sandbox of the workflows as well.
 */
exports.failureConverter = new DefaultFailureConverter({ encodeCommonAttributes: true });
