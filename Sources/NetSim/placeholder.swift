// NetSim
