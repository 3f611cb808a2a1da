/** View type of the editor of recordings, as the manifest has it. */
export const recordingEditor = 'loadline.telemetryRecording';
