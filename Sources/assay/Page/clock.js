// Ticks at an interval in milliseconds, also while the page that listens is in the background.

onmessage = ({ data }) => setInterval(() => postMessage(0), data);
